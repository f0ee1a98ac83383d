"""Pictures."""

import logging

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where it keeps its fonts is nothing that a user asks about
