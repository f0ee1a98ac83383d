// What the browser keeps for the next visit. One that keeps nothing has it until the page is left.

/** What was kept under a name; null where there is nothing. */
export function kept(name, storage = "localStorage") {
  try {
    return JSON.parse(window[storage].getItem(name));
  } catch {
    return null;
  }
}

export function keep(name, value, storage = "localStorage") {
  try {
    window[storage].setItem(name, JSON.stringify(value));
  } catch {
    // it keeps nothing, or is full
  }
}
