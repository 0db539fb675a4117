"""Addresses: which of them mean this machine alone."""

import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Whether *host* means this machine alone, however it is resolved; what cannot be resolved does not."""
    try:
        addresses = [ipaddress.ip_address(host)]
    except ValueError:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return False
        addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    return bool(host) and all(address.is_loopback for address in addresses)
