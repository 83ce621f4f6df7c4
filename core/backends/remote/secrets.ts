/** Keeps credentials out of what servers and their SDKs say. */

/** Servers repeat whole requests in what they say. */
const MOST_CHARACTERS = 500;

/** The text with each secret replaced, cut to a readable length. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let shown = text;
  for (const secret of secrets) if (secret !== "") shown = shown.replaceAll(secret, "***");
  return shown.length > MOST_CHARACTERS ? `${shown.slice(0, MOST_CHARACTERS)}…` : shown;
}
