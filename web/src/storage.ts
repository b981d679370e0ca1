/** What the browser remembers from visit to visit; browsers that forbid it just forget. */

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`gisgrid.${key}`, value);
  } catch {
    // Private windows and strict settings refuse: the choice then lasts as long as the page.
  }
}

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(`gisgrid.${key}`);
  } catch {
    return null;
  }
}
