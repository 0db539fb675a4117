"""What the tests of these pages share."""

from tests.browser import chromium as chromium
