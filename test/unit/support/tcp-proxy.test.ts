/** What the proxy of the fault tests does to connections, each fault against a server that echoes. */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

let server: Server;
let proxy: TcpProxy;
let received: number;
const clients: Socket[] = [];

beforeEach(async () => {
  received = 0;
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk.length;
    });
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await startTcpProxy((server.address() as AddressInfo).port);
});

afterEach(async () => {
  for (const socket of clients.splice(0)) socket.destroy();
  await proxy.close();
  const closed = once(server, "close");
  server.close();
  await closed;
});

async function client(port = proxy.port): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  clients.push(socket);
  await once(socket, "connect");
  // Most of the tests end it by a reset.
  socket.on("error", () => {});
  return socket;
}

/** Reads until so many bytes have come. */
async function read(socket: Socket, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length < count) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks);
}

/** How a connection ended: by an error's code, or in order. */
async function endOf(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
  socket.once("close", () => resolve("closed"));
  socket.resume();
  return promise;
}

test("passes bytes both ways, and the end of each", async () => {
  const socket = await client();
  const sent = Buffer.alloc(3_000_000, "nearsight");
  socket.end(sent);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  expect(proxy.bytes).toBe(2 * sent.length);
  expect(proxy.connections).toBe(1);
});

test("counts connections since the start and those open", async () => {
  const sockets = [await client(), await client()];
  for (const socket of sockets) {
    socket.write("a");
    await read(socket, 1);
  }
  expect([proxy.connections, proxy.open]).toEqual([2, 2]);
  const ends = sockets.map(endOf);
  proxy.cut();
  await Promise.all(ends);
  await client();
  expect(proxy.connections).toBe(3);
});

test("cuts by a reset", async () => {
  const socket = await client();
  socket.write("a");
  await read(socket, 1);
  const end = endOf(socket);
  proxy.cut();
  expect(await end).toBe("ECONNRESET");
});

test("cuts after a number of bytes, and later connections go on", async () => {
  proxy.cutAfter(10);
  const socket = await client();
  const end = endOf(socket);
  socket.write("123456789012345");
  expect(await end).toBe("ECONNRESET");
  expect(received).toBeLessThanOrEqual(10);
  expect(proxy.bytes).toBe(10);
  const next = await client();
  next.write("all of it");
  expect(String(await read(next, 9))).toBe("all of it");
});

test("refuses new connections while open ones go on, then takes them on the same port", async () => {
  const socket = await client();
  socket.write("a");
  await read(socket, 1);
  await proxy.refuse();
  await expect(client()).rejects.toMatchObject({ code: "ECONNREFUSED" });
  socket.write("b");
  expect(String(await read(socket, 1))).toBe("b");
  await proxy.accept();
  const next = await client();
  next.write("c");
  expect(String(await read(next, 1))).toBe("c");
});

test("takes connections half open: nothing reaches the server, nothing comes back", async () => {
  proxy.halfOpen();
  const socket = await client();
  const end = endOf(socket);
  socket.write("lost");
  proxy.restore();
  const next = await client();
  next.write("here");
  expect(String(await read(next, 4))).toBe("here");
  expect(received).toBe(4);
  proxy.cut();
  expect(await end).toBe("ECONNRESET");
});

test("delays the first answer of a connection and none after it", async () => {
  proxy.delayFirstAnswer(200);
  const socket = await client();
  const begun = performance.now();
  socket.write("a");
  await read(socket, 1);
  // Timers may fire a millisecond early.
  expect(performance.now() - begun).toBeGreaterThanOrEqual(198);
  proxy.restore();
  socket.write("b");
  expect(String(await read(socket, 1))).toBe("b");
});

test("drips answers in small pieces and loses none", async () => {
  proxy.drip(2, 1);
  const socket = await client();
  const pieces: string[] = [];
  socket.on("data", (chunk) => pieces.push(String(chunk)));
  socket.end("1234567");
  await once(socket, "end");
  expect(pieces.join("")).toBe("1234567");
  expect(proxy.bytes).toBe(14);
});

test("holds all bytes from pause to resume", async () => {
  const socket = await client();
  socket.write("a");
  await read(socket, 1);
  proxy.pause();
  socket.write("held");
  const other = await client();
  other.write("too");
  expect([received, proxy.bytes]).toEqual([1, 2]);
  proxy.resume();
  expect(String(await read(socket, 4))).toBe("held");
  expect(String(await read(other, 3))).toBe("too");
});

test("ends the client's connection where the server cannot be reached", async () => {
  const dead = createServer().listen(0, "127.0.0.1");
  await once(dead, "listening");
  const { port } = dead.address() as AddressInfo;
  dead.close();
  await once(dead, "close");
  const lonely = await startTcpProxy(port);
  expect(await endOf(await client(lonely.port))).toBe("ECONNRESET");
  await lonely.close();
});
