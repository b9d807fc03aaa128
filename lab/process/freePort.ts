/** Ports for servers that cannot choose one themselves. */
import { createServer, type AddressInfo } from "node:net";

/** A TCP port of the address that was free a moment ago. @throws Error when nothing can listen on the address. */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
