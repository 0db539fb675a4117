"""What the tests of pages share."""

from tests.browser import chromium as chromium
