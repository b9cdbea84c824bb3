// Whom a plan may please first.

export const PRESETS = {
  time_first: "In time first",
  priority_first: "Important first",
  resource_first: "Least work and waste first",
};
