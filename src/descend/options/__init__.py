"""options: what users may set, written once: keywords, flags, checks and help follow from one table."""

from descend.options.flags import flags_of_options, options_of_flags
from descend.options.table import BY_NAME, OPTIONS, Option, Options, read_options

__all__ = ["BY_NAME", "OPTIONS", "Option", "Options", "flags_of_options", "options_of_flags", "read_options"]
