// Numbers, times and sizes as the page writes them.

const grouped = new Intl.NumberFormat("en-US");

/** 1234567 -> "1,234,567"; nothing where the number is not known. */
export function count(value) {
  return Number.isFinite(value) ? grouped.format(value) : "";
}

/** 1234567 -> "1.2M": for places with little room. */
export function short(value) {
  if (!Number.isFinite(value)) return "";
  for (const [size, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (value >= size * 0.9995) return `${digits(value / size)}${letter}`;
  }
  return String(Math.round(value));
}

function digits(value) {
  return value >= 99.95 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, "");
}

/** Rows per second, or nothing where none pass. */
export function rate(value) {
  return value > 0 ? `${short(value)} rows/s` : "";
}

export function bytes(value) {
  if (!Number.isFinite(value)) return "";
  for (const [size, unit] of [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
    if (value >= size) return `${digits(value / size)} ${unit}`;
  }
  return `${value} B`;
}

/** Seconds -> "850 ms", "12.3 s", "4 min 5 s", "2 h 3 min". */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`;
  const whole = Math.floor(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

const two = (number) => String(number).padStart(2, "0");

/** Microseconds since 1970 -> "2026-11-30 14:03:22" in the reader's time zone. */
export function time(microseconds) {
  if (!microseconds) return "";
  const at = new Date(microseconds / 1000);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** Microseconds since 1970 -> "14:03:22.123" in the reader's time zone. */
export function clock(microseconds) {
  if (!microseconds) return "";
  const at = new Date(microseconds / 1000);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** A share from 0 to 1. 100 % is said only when all is done. */
export function share(value) {
  return Number.isFinite(value) ? `${Math.floor(Math.min(1, Math.max(0, value)) * 100 + 1e-9)}%` : "";
}

/** The beginning of a run's id that names it among others, as the command line shows it. */
export function shortId(id) {
  return id.slice(0, 18);
}
