"""evalrun: batch prompt evaluation that treats quota as a first-class resource."""

__version__ = "0.1.0"
