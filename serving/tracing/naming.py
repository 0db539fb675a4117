"""What is logged while a request is followed bears its ids."""

import logging

from opentelemetry import trace


class Named(logging.Filter):
    """For a handler: enters ``trace_id`` and ``span_id`` of the current span, where the record has none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true."""
        context = trace.get_current_span().get_span_context()
        if context.is_valid and not hasattr(record, "trace_id"):
            record.trace_id = trace.format_trace_id(context.trace_id)
            record.span_id = trace.format_span_id(context.span_id)
        return True
