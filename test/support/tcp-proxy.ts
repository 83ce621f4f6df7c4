/** A TCP proxy on the loopback address that stands between a client and a server and does what a test says. */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export interface TcpProxy {
  readonly port: number;
  /** Connections taken since the start. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Bytes that have passed, both ways. */
  readonly bytes: number;
  /** Ends all open connections at once, by a reset. */
  cut(): void;
  /** Does so once this many more bytes have passed, both ways and over all connections. */
  cutAfter(bytes: number): void;
  /** Refuses new connections; open ones go on. */
  refuse(): Promise<void>;
  /** Takes connections again, on the same port. */
  accept(): Promise<void>;
  /** Takes new connections and what they send, and never answers. */
  halfOpen(): void;
  /** Holds the first bytes that come back on each new connection for so many milliseconds. */
  delayFirstAnswer(milliseconds: number): void;
  /** Lets answers through in pieces of so many bytes, with a pause of so many milliseconds after each. */
  drip(bytes: number, milliseconds: number): void;
  /** Holds all bytes, both ways, until `resume`. */
  pause(): void;
  resume(): void;
  /** Does nothing more of all this to new connections and new bytes. Does not undo `refuse`. */
  restore(): void;
  /** Ends all connections and stops listening. */
  close(): Promise<void>;
}

/** What is done to bytes and new connections. */
interface Faults {
  isHalfOpen: boolean;
  delay: number;
  drip: { readonly bytes: number; readonly milliseconds: number } | null;
  bytesLeft: number;
}

const NO_FAULTS: Faults = { isHalfOpen: false, delay: 0, drip: null, bytesLeft: Number.POSITIVE_INFINITY };

/** Starts a proxy to `port` on `host`. */
export async function startTcpProxy(port: number, host = "127.0.0.1"): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let faults: Faults = { ...NO_FAULTS };
  let connections = 0;
  let open = 0;
  let bytes = 0;
  let gate = Promise.withResolvers<void>();
  gate.resolve();

  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };

  /** Keeps a socket until it ends. Its errors are its end, which the other side is told of. */
  function keep(socket: Socket): void {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {}).once("close", () => sockets.delete(socket));
  }

  function take(client: Socket): void {
    connections++;
    open++;
    keep(client);
    client.once("close", () => open--);
    if (faults.isHalfOpen) {
      client.resume();
      return;
    }
    const server = connect({ port, host, allowHalfOpen: true });
    keep(server);
    void pump(client, server, 0, false);
    void pump(server, client, faults.delay, true);
  }

  async function pump(from: Socket, to: Socket, delay: number, isAnswer: boolean): Promise<void> {
    let isFirst = true;
    try {
      for await (const chunk of from) {
        if (isFirst && delay > 0) await pause(delay);
        isFirst = false;
        await gate.promise;
        await pass(chunk, to, isAnswer);
      }
      to.end();
    } catch {
      from.resetAndDestroy();
      to.resetAndDestroy();
    }
  }

  async function pass(chunk: Buffer, to: Socket, isAnswer: boolean): Promise<void> {
    const { drip } = faults;
    if (!isAnswer || drip === null) return send(chunk, to);
    for (let start = 0; start < chunk.length; start += drip.bytes) {
      await gate.promise;
      await send(chunk.subarray(start, start + drip.bytes), to);
      await pause(drip.milliseconds);
    }
  }

  async function send(chunk: Buffer, to: Socket): Promise<void> {
    const part = chunk.subarray(0, Math.min(chunk.length, faults.bytesLeft));
    faults.bytesLeft -= chunk.length;
    bytes += part.length;
    if (part.length > 0 && !to.write(part)) await Promise.race([once(to, "drain"), once(to, "close")]);
    if (faults.bytesLeft > 0) return;
    faults.bytesLeft = Number.POSITIVE_INFINITY;
    cut();
  }

  let listener = await listen(0, take);
  const { port: ownPort } = listener.address() as AddressInfo;

  return {
    port: ownPort,
    get connections() {
      return connections;
    },
    get open() {
      return open;
    },
    get bytes() {
      return bytes;
    },
    cut,
    cutAfter(count) {
      faults.bytesLeft = count;
    },
    async refuse() {
      listener.close();
      // The port is let go of when the event loop next closes what is to be closed.
      await new Promise((resolve) => setImmediate(resolve));
    },
    async accept() {
      if (!listener.listening) listener = await listen(ownPort, take);
    },
    halfOpen() {
      faults.isHalfOpen = true;
    },
    delayFirstAnswer(milliseconds) {
      faults.delay = milliseconds;
    },
    drip(size, milliseconds) {
      faults.drip = { bytes: size, milliseconds };
    },
    pause() {
      gate.resolve();
      gate = Promise.withResolvers();
    },
    resume() {
      gate.resolve();
    },
    restore() {
      faults = { ...NO_FAULTS };
      gate.resolve();
    },
    async close() {
      const closed = listener.listening ? once(listener, "close") : Promise.resolve();
      listener.close();
      gate.resolve();
      cut();
      await closed;
    },
  };
}

async function listen(port: number, take: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, take);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}
