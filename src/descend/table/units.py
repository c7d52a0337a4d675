"""units: signs and codes of currency, multipliers and units that stand beside a number."""

# fmt: off
CODES = (
    "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR",
    "ISK", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PEN", "PHP", "PKR", "PLN", "RON", "RUB", "SAR", "SEK", "SGD",
    "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR",
)  # ISO 4217, those in frequent use
# fmt: on
SIGNS = (
    r"US\$",
    r"R\$",
    r"AU?\$",
    r"CA?\$",
    r"HK\$",
    r"NZ\$",
    r"S\$",
    "[$€£¥₹₽₩₺₪₫฿₦₱₴¢]",
    r"Rs\.?",
    r"kr\.?",
    "zł",
    "Kč",
    "Ft",
    r"Fr\.?",
)
CURRENCY = "|".join((*SIGNS, *CODES))
SCALES = {"k": 1e3, "K": 1e3, "thousand": 1e3, "M": 1e6, "Mio": 1e6, "mn": 1e6, "mln": 1e6, "million": 1e6,
          "B": 1e9, "bn": 1e9, "bln": 1e9, "billion": 1e9}  # fmt: skip
# fmt: off
UNITS = frozenset((
    "%", "‰", "°", "kg", "g", "mg", "µg", "ug", "lb", "lbs", "oz", "t", "km", "m", "cm", "mm", "µm", "nm",
    "mi", "mile", "ft", "in", "yd", "m²", "m2", "m³", "m3", "km²", "km2", "cm²", "cm2", "ha", "ac", "acre", "sqft",
    "ft²", "ft2", "l", "L", "ml", "dl", "cl", "gal", "s", "sec", "ms", "min", "h", "hr", "hrs", "d", "day", "week",
    "wk", "month", "mo", "year", "yr", "yrs", "°C", "°F", "C", "F", "V", "mV", "A", "mA", "W", "kW", "MW", "Wh",
    "kWh", "MWh", "J", "kJ", "cal", "kcal", "Pa", "hPa", "kPa", "bar", "mbar", "psi", "Hz", "kHz", "MHz", "GHz",
    "kB", "KB", "MB", "GB", "TB", "px", "pt", "kn", "km/h", "kmh", "kph", "mph", "m/s", "mpg", "kmpl", "km/kg",
    "cc", "CC", "bhp", "hp", "ps", "PS", "Nm", "dB", "pp", "bps", "rpm", "pcs", "pc", "ppm", "x",
))
# fmt: on
