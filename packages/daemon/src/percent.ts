/** The text that was percent-encoded, or the text as it is where it was not. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
