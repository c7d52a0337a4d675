"""plan: how each run trains: its rule, its constants, its batch size and the order of its rows."""

from descend.plan.plan import FULL, THE_EIGHT, VARIANTS, Plan, Setting, Variant, letter, setting, variant

__all__ = ["FULL", "THE_EIGHT", "VARIANTS", "Plan", "Setting", "Variant", "letter", "setting", "variant"]
