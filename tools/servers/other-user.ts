/** Runs commands as another user than root, for servers that refuse root. */

import { findCommand, MissingTool, run } from "./needs.ts";

/** The user that a server is shown where it would see root. */
const OTHER_USER = "1000";
/** The user `nobody`, where the system has no user namespaces. */
const NOBODY = "65534";

/** The words in front of a command that make it run as another user than root; none where nobody is root. */
export async function otherUser(folder: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const namespace = ["unshare", "--user", `--map-user=${OTHER_USER}`, `--map-group=${OTHER_USER}`];
  try {
    await run("unshare", [...namespace.slice(1), "true"]);
    return namespace;
  } catch {
    if (findCommand("setpriv") === null) {
      throw new MissingTool("setpriv or unshare, since the server refuses root", ["util-linux"]);
    }
    await run("chown", ["-R", `${NOBODY}:${NOBODY}`, folder]);
    return ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  }
}
