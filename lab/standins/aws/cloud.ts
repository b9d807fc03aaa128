/** Talks to AWS's APIs: retries as the official provider does, errors with what the API said. */
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import type * as ec2Module from "@aws-sdk/client-ec2";
import type * as elbModule from "@aws-sdk/client-elastic-load-balancing-v2";
import type * as iamModule from "@aws-sdk/client-iam";
import { awsError, AwsError, isThrottled, neverArrived } from "./errors.js";

/** Each client takes a noticeable time to load, and a run without changes needs none. */
const load = createRequire(__filename);

/** Milliseconds before the second try; twice as long before each further one. */
const firstPause = 500;
const longestPause = 20_000;
/** Tries of a call that the API is too busy for, as the official provider's. */
const busyTries = 25;
/** Tries while nothing answers at the address: far fewer than for a busy API. */
const connectTries = 9;

/** Addresses instead of AWS's public ones. */
export interface Endpoints {
  readonly ec2?: string;
  readonly elbv2?: string;
  readonly iam?: string;
}

/** Methods of the SDK's that take one input and, optionally, how to send it. */
type Method = (input: object, options: { abortSignal?: AbortSignal }) => Promise<unknown>;

/** The services as one operation uses them. */
export interface Services {
  readonly region: string;
  readonly ec2: ec2Module.EC2;
  readonly elb: elbModule.ElasticLoadBalancingV2;
  readonly iam: iamModule.IAM;
}

export class Cloud {
  private readonly clients = new Map<string, object>();

  constructor(
    readonly region: string,
    private readonly endpoints: Endpoints,
    /** Undefined: the SDK looks for them as all of AWS's tools do. */
    private readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined,
  ) {}

  /** @param signal Ends waiting and reading. A change that was sent is always waited for: what it made must be known. */
  services(signal: AbortSignal): Services {
    const client = <Client extends object>(service: keyof Endpoints, make: (options: object) => Client): Client => {
      const endpoint = this.endpoints[service];
      const { region, credentials } = this;
      const options = { region, maxAttempts: 1, ...(credentials && { credentials }), ...(endpoint && { endpoint }) };
      const known = this.clients.get(service) ?? make(options);
      this.clients.set(service, known);
      return retrying(service, known as Client, endpoint, signal);
    };
    return {
      region: this.region,
      get ec2() {
        return client("ec2", (options) => new (load("@aws-sdk/client-ec2") as typeof ec2Module).EC2(options));
      },
      get elb() {
        return client("elbv2", (options) => {
          const module = load("@aws-sdk/client-elastic-load-balancing-v2") as typeof elbModule;
          return new module.ElasticLoadBalancingV2(options);
        });
      },
      get iam() {
        return client("iam", (options) => new (load("@aws-sdk/client-iam") as typeof iamModule).IAM(options));
      },
    };
  }
}

/** The client, its methods with tries. */
function retrying<Client extends object>(
  service: string,
  client: Client,
  endpoint: string | undefined,
  signal: AbortSignal,
): Client {
  const call = async (name: string, send: Method, input: object): Promise<unknown> => {
    const reads = /^(describe|get|list)/.test(name);
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      try {
        return await send(input, reads ? { abortSignal: signal } : {});
      } catch (error) {
        signal.throwIfAborted();
        const known = awsError(`${service} ${name}`, error, endpoint ?? "");
        if (!mayTryAgain(known, error, attempt, reads || "ClientToken" in input)) throw known;
        const pause = Math.min(firstPause * 2 ** (attempt - 1), longestPause);
        await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal });
      }
    }
  };
  return new Proxy(client, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as unknown;
      if (typeof method !== "function" || typeof name !== "string") return method;
      return (input: object) => call(name, (method as Method).bind(target), input);
    },
  });
}

/** @param repeatable The request is idempotent. A request that failed with a server error may have been carried out. */
function mayTryAgain(known: Error, error: unknown, attempt: number, repeatable: boolean): boolean {
  if (known instanceof AwsError)
    return attempt < busyTries && (isThrottled(known) || (repeatable && (known.status ?? 0) >= 500));
  if (attempt >= connectTries) return false;
  return neverArrived(error) || (repeatable && isTransport(error));
}

function isTransport(error: unknown): boolean {
  return (
    error instanceof Error &&
    /ECONNRESET|EPIPE|ETIMEDOUT|TimeoutError|socket hang up/.test(
      `${error.name} ${error.message} ${String((error as { code?: string }).code)}`,
    )
  );
}
