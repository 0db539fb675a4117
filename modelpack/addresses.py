"""Addresses: which of them mean this machine alone, and what of them may be shown."""

import ipaddress
import re
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


def without_password(line: str) -> str:
    """*line* without the name and the password of an address in it."""
    return re.sub(r"//[^/\s]*@", "//…@", line)
