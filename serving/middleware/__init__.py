"""What happens to every request, whatever it asks for. Plain ASGI, one concern each."""
