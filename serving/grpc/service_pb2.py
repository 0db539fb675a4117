"""Generated from service.proto by scripts/grpc-code.sh; do not edit."""

from base64 import b64decode

from google.protobuf import (  # type: ignore[import-untyped]  # it publishes no types
    descriptor_pool,
    message_factory,
)

_POOL = descriptor_pool.DescriptorPool()
_POOL.AddSerializedFile(
    b64decode(
        "Cg1zZXJ2aWNlLnByb3RvEglpbmZlcmVuY2UiEwoRU2VydmVyTGl2ZVJlcXVlc3QiKAoSU2VydmVyTGl2ZVJlc3BvbnNlEhIK"
        "BGxpdmUYASABKAhSBGxpdmUiFAoSU2VydmVyUmVhZHlSZXF1ZXN0IisKE1NlcnZlclJlYWR5UmVzcG9uc2USFAoFcmVhZHkY"
        "ASABKAhSBXJlYWR5IkEKEU1vZGVsUmVhZHlSZXF1ZXN0EhIKBG5hbWUYASABKAlSBG5hbWUSGAoHdmVyc2lvbhgCIAEoCVIH"
        "dmVyc2lvbiIqChJNb2RlbFJlYWR5UmVzcG9uc2USFAoFcmVhZHkYASABKAhSBXJlYWR5IhcKFVNlcnZlck1ldGFkYXRhUmVx"
        "dWVzdCJmChZTZXJ2ZXJNZXRhZGF0YVJlc3BvbnNlEhIKBG5hbWUYASABKAlSBG5hbWUSGAoHdmVyc2lvbhgCIAEoCVIHdmVy"
        "c2lvbhIeCgpleHRlbnNpb25zGAMgAygJUgpleHRlbnNpb25zIkQKFE1vZGVsTWV0YWRhdGFSZXF1ZXN0EhIKBG5hbWUYASAB"
        "KAlSBG5hbWUSGAoHdmVyc2lvbhgCIAEoCVIHdmVyc2lvbiLPAgoVTW9kZWxNZXRhZGF0YVJlc3BvbnNlEhIKBG5hbWUYASAB"
        "KAlSBG5hbWUSGgoIdmVyc2lvbnMYAiADKAlSCHZlcnNpb25zEhoKCHBsYXRmb3JtGAMgASgJUghwbGF0Zm9ybRJHCgZpbnB1"
        "dHMYBCADKAsyLy5pbmZlcmVuY2UuTW9kZWxNZXRhZGF0YVJlc3BvbnNlLlRlbnNvck1ldGFkYXRhUgZpbnB1dHMSSQoHb3V0"
        "cHV0cxgFIAMoCzIvLmluZmVyZW5jZS5Nb2RlbE1ldGFkYXRhUmVzcG9uc2UuVGVuc29yTWV0YWRhdGFSB291dHB1dHMaVgoO"
        "VGVuc29yTWV0YWRhdGESEgoEbmFtZRgBIAEoCVIEbmFtZRIaCghkYXRhdHlwZRgCIAEoCVIIZGF0YXR5cGUSFAoFc2hhcGUY"
        "AyADKANSBXNoYXBlItcBCg5JbmZlclBhcmFtZXRlchIfCgpib29sX3BhcmFtGAEgASgISABSCWJvb2xQYXJhbRIhCgtpbnQ2"
        "NF9wYXJhbRgCIAEoA0gAUgppbnQ2NFBhcmFtEiMKDHN0cmluZ19wYXJhbRgDIAEoCUgAUgtzdHJpbmdQYXJhbRIjCgxkb3Vi"
        "bGVfcGFyYW0YBCABKAFIAFILZG91YmxlUGFyYW0SIwoMdWludDY0X3BhcmFtGAUgASgESABSC3VpbnQ2NFBhcmFtQhIKEHBh"
        "cmFtZXRlcl9jaG9pY2UiwwIKE0luZmVyVGVuc29yQ29udGVudHMSIwoNYm9vbF9jb250ZW50cxgBIAMoCFIMYm9vbENvbnRl"
        "bnRzEiEKDGludF9jb250ZW50cxgCIAMoBVILaW50Q29udGVudHMSJQoOaW50NjRfY29udGVudHMYAyADKANSDWludDY0Q29u"
        "dGVudHMSIwoNdWludF9jb250ZW50cxgEIAMoDVIMdWludENvbnRlbnRzEicKD3VpbnQ2NF9jb250ZW50cxgFIAMoBFIOdWlu"
        "dDY0Q29udGVudHMSIwoNZnAzMl9jb250ZW50cxgGIAMoAlIMZnAzMkNvbnRlbnRzEiMKDWZwNjRfY29udGVudHMYByADKAFS"
        "DGZwNjRDb250ZW50cxIlCg5ieXRlc19jb250ZW50cxgIIAMoDFINYnl0ZXNDb250ZW50cyKdCAoRTW9kZWxJbmZlclJlcXVl"
        "c3QSHQoKbW9kZWxfbmFtZRgBIAEoCVIJbW9kZWxOYW1lEiMKDW1vZGVsX3ZlcnNpb24YAiABKAlSDG1vZGVsVmVyc2lvbhIO"
        "CgJpZBgDIAEoCVICaWQSTAoKcGFyYW1ldGVycxgEIAMoCzIsLmluZmVyZW5jZS5Nb2RlbEluZmVyUmVxdWVzdC5QYXJhbWV0"
        "ZXJzRW50cnlSCnBhcmFtZXRlcnMSRQoGaW5wdXRzGAUgAygLMi0uaW5mZXJlbmNlLk1vZGVsSW5mZXJSZXF1ZXN0LkluZmVy"
        "SW5wdXRUZW5zb3JSBmlucHV0cxJRCgdvdXRwdXRzGAYgAygLMjcuaW5mZXJlbmNlLk1vZGVsSW5mZXJSZXF1ZXN0LkluZmVy"
        "UmVxdWVzdGVkT3V0cHV0VGVuc29yUgdvdXRwdXRzEiwKEnJhd19pbnB1dF9jb250ZW50cxgHIAMoDFIQcmF3SW5wdXRDb250"
        "ZW50cxrNAgoQSW5mZXJJbnB1dFRlbnNvchISCgRuYW1lGAEgASgJUgRuYW1lEhoKCGRhdGF0eXBlGAIgASgJUghkYXRhdHlw"
        "ZRIUCgVzaGFwZRgDIAMoA1IFc2hhcGUSXQoKcGFyYW1ldGVycxgEIAMoCzI9LmluZmVyZW5jZS5Nb2RlbEluZmVyUmVxdWVz"
        "dC5JbmZlcklucHV0VGVuc29yLlBhcmFtZXRlcnNFbnRyeVIKcGFyYW1ldGVycxI6Cghjb250ZW50cxgFIAEoCzIeLmluZmVy"
        "ZW5jZS5JbmZlclRlbnNvckNvbnRlbnRzUghjb250ZW50cxpYCg9QYXJhbWV0ZXJzRW50cnkSEAoDa2V5GAEgASgJUgNrZXkS"
        "LwoFdmFsdWUYAiABKAsyGS5pbmZlcmVuY2UuSW5mZXJQYXJhbWV0ZXJSBXZhbHVlOgI4ARrzAQoaSW5mZXJSZXF1ZXN0ZWRP"
        "dXRwdXRUZW5zb3ISEgoEbmFtZRgBIAEoCVIEbmFtZRJnCgpwYXJhbWV0ZXJzGAIgAygLMkcuaW5mZXJlbmNlLk1vZGVsSW5m"
        "ZXJSZXF1ZXN0LkluZmVyUmVxdWVzdGVkT3V0cHV0VGVuc29yLlBhcmFtZXRlcnNFbnRyeVIKcGFyYW1ldGVycxpYCg9QYXJh"
        "bWV0ZXJzRW50cnkSEAoDa2V5GAEgASgJUgNrZXkSLwoFdmFsdWUYAiABKAsyGS5pbmZlcmVuY2UuSW5mZXJQYXJhbWV0ZXJS"
        "BXZhbHVlOgI4ARpYCg9QYXJhbWV0ZXJzRW50cnkSEAoDa2V5GAEgASgJUgNrZXkSLwoFdmFsdWUYAiABKAsyGS5pbmZlcmVu"
        "Y2UuSW5mZXJQYXJhbWV0ZXJSBXZhbHVlOgI4ASLfBQoSTW9kZWxJbmZlclJlc3BvbnNlEh0KCm1vZGVsX25hbWUYASABKAlS"
        "CW1vZGVsTmFtZRIjCg1tb2RlbF92ZXJzaW9uGAIgASgJUgxtb2RlbFZlcnNpb24SDgoCaWQYAyABKAlSAmlkEk0KCnBhcmFt"
        "ZXRlcnMYBCADKAsyLS5pbmZlcmVuY2UuTW9kZWxJbmZlclJlc3BvbnNlLlBhcmFtZXRlcnNFbnRyeVIKcGFyYW1ldGVycxJJ"
        "CgdvdXRwdXRzGAUgAygLMi8uaW5mZXJlbmNlLk1vZGVsSW5mZXJSZXNwb25zZS5JbmZlck91dHB1dFRlbnNvclIHb3V0cHV0"
        "cxIuChNyYXdfb3V0cHV0X2NvbnRlbnRzGAYgAygMUhFyYXdPdXRwdXRDb250ZW50cxrQAgoRSW5mZXJPdXRwdXRUZW5zb3IS"
        "EgoEbmFtZRgBIAEoCVIEbmFtZRIaCghkYXRhdHlwZRgCIAEoCVIIZGF0YXR5cGUSFAoFc2hhcGUYAyADKANSBXNoYXBlEl8K"
        "CnBhcmFtZXRlcnMYBCADKAsyPy5pbmZlcmVuY2UuTW9kZWxJbmZlclJlc3BvbnNlLkluZmVyT3V0cHV0VGVuc29yLlBhcmFt"
        "ZXRlcnNFbnRyeVIKcGFyYW1ldGVycxI6Cghjb250ZW50cxgFIAEoCzIeLmluZmVyZW5jZS5JbmZlclRlbnNvckNvbnRlbnRz"
        "Ughjb250ZW50cxpYCg9QYXJhbWV0ZXJzRW50cnkSEAoDa2V5GAEgASgJUgNrZXkSLwoFdmFsdWUYAiABKAsyGS5pbmZlcmVu"
        "Y2UuSW5mZXJQYXJhbWV0ZXJSBXZhbHVlOgI4ARpYCg9QYXJhbWV0ZXJzRW50cnkSEAoDa2V5GAEgASgJUgNrZXkSLwoFdmFs"
        "dWUYAiABKAsyGS5pbmZlcmVuY2UuSW5mZXJQYXJhbWV0ZXJSBXZhbHVlOgI4ATLwAwoUR1JQQ0luZmVyZW5jZVNlcnZpY2US"
        "SQoKU2VydmVyTGl2ZRIcLmluZmVyZW5jZS5TZXJ2ZXJMaXZlUmVxdWVzdBodLmluZmVyZW5jZS5TZXJ2ZXJMaXZlUmVzcG9u"
        "c2USTAoLU2VydmVyUmVhZHkSHS5pbmZlcmVuY2UuU2VydmVyUmVhZHlSZXF1ZXN0Gh4uaW5mZXJlbmNlLlNlcnZlclJlYWR5"
        "UmVzcG9uc2USSQoKTW9kZWxSZWFkeRIcLmluZmVyZW5jZS5Nb2RlbFJlYWR5UmVxdWVzdBodLmluZmVyZW5jZS5Nb2RlbFJl"
        "YWR5UmVzcG9uc2USVQoOU2VydmVyTWV0YWRhdGESIC5pbmZlcmVuY2UuU2VydmVyTWV0YWRhdGFSZXF1ZXN0GiEuaW5mZXJl"
        "bmNlLlNlcnZlck1ldGFkYXRhUmVzcG9uc2USUgoNTW9kZWxNZXRhZGF0YRIfLmluZmVyZW5jZS5Nb2RlbE1ldGFkYXRhUmVx"
        "dWVzdBogLmluZmVyZW5jZS5Nb2RlbE1ldGFkYXRhUmVzcG9uc2USSQoKTW9kZWxJbmZlchIcLmluZmVyZW5jZS5Nb2RlbElu"
        "ZmVyUmVxdWVzdBodLmluZmVyZW5jZS5Nb2RlbEluZmVyUmVzcG9uc2ViBnByb3RvMw=="
    )
)
_MESSAGES = message_factory.GetMessageClassesForFiles(["service.proto"], _POOL)

ServerLiveRequest = _MESSAGES["inference.ServerLiveRequest"]
ServerLiveResponse = _MESSAGES["inference.ServerLiveResponse"]
ServerReadyRequest = _MESSAGES["inference.ServerReadyRequest"]
ServerReadyResponse = _MESSAGES["inference.ServerReadyResponse"]
ModelReadyRequest = _MESSAGES["inference.ModelReadyRequest"]
ModelReadyResponse = _MESSAGES["inference.ModelReadyResponse"]
ServerMetadataRequest = _MESSAGES["inference.ServerMetadataRequest"]
ServerMetadataResponse = _MESSAGES["inference.ServerMetadataResponse"]
ModelMetadataRequest = _MESSAGES["inference.ModelMetadataRequest"]
ModelMetadataResponse = _MESSAGES["inference.ModelMetadataResponse"]
InferParameter = _MESSAGES["inference.InferParameter"]
InferTensorContents = _MESSAGES["inference.InferTensorContents"]
ModelInferRequest = _MESSAGES["inference.ModelInferRequest"]
ModelInferResponse = _MESSAGES["inference.ModelInferResponse"]
