/** Ports on the loopback address: which are free, and which answer. */

import { randomInt } from "node:crypto";
import { connect, createServer } from "node:net";

/** Below the ports that systems hand out by themselves, so that none of a set is taken between choice and use. */
const OTHER_PORTS = { first: 21_000, last: 30_000 };
const TRIES = 200;

/** The usual port where it and its companions are free, else another such set. */
export async function choosePort(
  usual: number,
  companions: readonly number[],
  isTaken: (port: number) => boolean = () => false,
): Promise<number> {
  let port = usual;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (!isTaken(port) && (await areFree([port, ...companions.map((step) => port + step)]))) return port;
    port = randomInt(OTHER_PORTS.first, OTHER_PORTS.last);
  }
  throw new Error(`Expected free ports near ${usual} or above ${OTHER_PORTS.first} but found none`);
}

export async function areFree(ports: readonly number[]): Promise<boolean> {
  for (const port of ports) {
    if (!(await isFree(port))) return false;
  }
  return true;
}

/** Tried on all interfaces, since a server there keeps one off the loopback address too. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Whether a connection to the port is taken. */
export function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
