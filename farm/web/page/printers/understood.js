// What a printer's measurements mean, in words.
import { duration, moment } from "../core/time.js";

/** When the print will be done, and give or take how much; null where nobody knows. */
export function doneAt({ progress }) {
  if (!progress?.estimated_completion) return null;
  return `${moment(progress.estimated_completion)} ± ${duration(progress.confidence_s)}`;
}

/** Where a temperature is going; "" where it stays. */
export function going(statistics) {
  switch (statistics?.trend) {
    case "rising":
    case "falling":
      return `, ${statistics.trend} by ${Math.abs(statistics.slope_per_min).toFixed(1)} °C a minute`;
    case "oscillating":
      return `, swinging every ${duration(statistics.period_s)}`;
    default:
      return "";
  }
}
