// Amounts in words. The server counts in minor units (cents, paise); a currency's decimals differ.

/** Write an amount in major units: 9.99, "USD" -> $9.99. */
export function price(major, currency) {
  return new Intl.NumberFormat("en", { style: "currency", currency }).format(major);
}

/** Write an amount in minor units: 999, "USD" -> $9.99. */
export function minorPrice(minor, currency) {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}
