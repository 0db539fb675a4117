#!/bin/sh
# Makes serving/grpc/service_pb2.py from serving/grpc/service.proto, with grpcio-tools of the environment.
#
# Not protoc's own Python: that enters its messages into one pool for the whole process, where a client of the
# same protocol (tritonclient) has entered its own under the same names, and the second one to come fails.
# It would also refuse every protobuf that is older than the compiler.
set -eu
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
folder=serving/grpc
set_file="$(mktemp)"
trap 'rm -f "$set_file"' EXIT
"$python" -m grpc_tools.protoc --proto_path="$folder" --descriptor_set_out="$set_file" service.proto
"$python" - "$set_file" >"$folder/service_pb2.py" <<'PYTHON'
import sys
from base64 import b64encode
from pathlib import Path

from google.protobuf import descriptor_pb2

files = descriptor_pb2.FileDescriptorSet.FromString(Path(sys.argv[1]).read_bytes())
(file,) = files.file
content = file.SerializeToString(deterministic=True)
print('"""Generated from service.proto by scripts/grpc-code.sh; do not edit."""\n')
print("from base64 import b64decode\n")
print("from google.protobuf import (  # type: ignore[import-untyped]  # it publishes no types")
print("    descriptor_pool,")
print("    message_factory,")
print(")\n")
print("_POOL = descriptor_pool.DescriptorPool()")
print("_POOL.AddSerializedFile(")
print("    b64decode(")
text = b64encode(content).decode()
for start in range(0, len(text), 96):
    print(f'        "{text[start : start + 96]}"')
print("    )")
print(")")
print(f'_MESSAGES = message_factory.GetMessageClassesForFiles(["{file.name}"], _POOL)\n')
for message in file.message_type:
    print(f'{message.name} = _MESSAGES["{file.package}.{message.name}"]')
PYTHON
echo "wrote $folder/service_pb2.py"
