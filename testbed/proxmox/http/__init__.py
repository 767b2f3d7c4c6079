"""The HTTP of pveproxy: requests read and answered as it does, WebSockets, uploads, pages."""
