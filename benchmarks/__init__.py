"""Speed against rivals, side by side: `make bench`."""
