/** Connections from chosen addresses of the host: the administrator's, or a stranger's. */
import { connect } from "node:net";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

interface RequestOptions {
  /** Address of the host to send from. @default the one of the route */
  readonly from?: string;
  /** PEM bundle to trust for https. */
  readonly ca?: string;
}

/** Milliseconds until a request counts as unanswered. */
const timeout = 5_000;

/** One GET request without any credentials. */
export function get(url: string, options: RequestOptions = {}): Promise<Answer> {
  const send = url.startsWith("https:") ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = send(url, { localAddress: options.from, ca: options.ca, timeout, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${timeout / 1000} s`)));
    sent.on("error", (error) => reject(new Error(`GET ${url}: ${error.message}`)));
    sent.end();
  });
}

/** Whether a TCP connection is established within `timeout` milliseconds. */
export function answers(address: string, port: number, from: string, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, localAddress: from });
    const end = (open: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(open);
    };
    // socket.setTimeout counts idle time, not the time that a connection takes.
    const timer = setTimeout(() => end(false), timeout);
    socket.on("connect", () => end(true));
    socket.on("error", () => end(false));
  });
}

/** Ports of an address that answer, in ascending order; at most `width` connections are tried at once. */
export async function openPorts(
  address: string,
  ports: Iterable<number>,
  from: string,
  options: { readonly timeout: number; readonly width: number },
): Promise<number[]> {
  const open: number[] = [];
  const queue = ports[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      if (await answers(address, next.value, from, options.timeout)) open.push(next.value);
    }
  };
  await Promise.all(Array.from({ length: options.width }, work));
  return open.sort((a, b) => a - b);
}
