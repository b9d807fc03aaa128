/** Talks to AWS's APIs: retries as the official provider does, errors with what the API said. */
import { setTimeout as sleep } from "node:timers/promises";
import { EC2 } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingV2 } from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAM } from "@aws-sdk/client-iam";
import { STS } from "@aws-sdk/client-sts";
import { awsError, AwsError, isThrottled, neverArrived } from "./errors.js";
import type { Settings } from "./settings.js";
import type { Tags } from "./tags.js";

/** Milliseconds before the second try; twice as long before each further one. */
const firstPause = 500;
const longestPause = 20_000;
/** Tries while nothing answers at the address: far fewer than for a busy API. */
const connectTries = 9;

/** Methods of the SDK's that take one input and, optionally, how to send it. */
type Method = (input: object, options: { abortSignal?: AbortSignal }) => Promise<unknown>;

export class Cloud {
  private readonly clients: { ec2: EC2; elb: ElasticLoadBalancingV2; iam: IAM; sts: STS };
  /** Number of the account; empty when the settings forbid to ask for it. */
  account = "";
  partition = "aws";

  constructor(private readonly settings: Settings) {
    const { region, credentials, profile, endpoints } = settings;
    const common = {
      region,
      maxAttempts: 1,
      ...(credentials === undefined ? {} : { credentials }),
      ...(profile === undefined ? {} : { profile }),
    };
    const at = (endpoint: string | undefined): object => (endpoint === undefined ? {} : { endpoint });
    this.clients = {
      ec2: new EC2({ ...common, ...at(endpoints.ec2) }),
      elb: new ElasticLoadBalancingV2({ ...common, ...at(endpoints.elb) }),
      iam: new IAM({ ...common, ...at(endpoints.iam) }),
      sts: new STS({ ...common, ...at(endpoints.sts) }),
    };
    if (region.startsWith("cn-")) this.partition = "aws-cn";
    if (region.startsWith("us-gov-")) this.partition = "aws-us-gov";
  }

  get region(): string {
    return this.settings.region;
  }

  get defaultTags(): Tags {
    return this.settings.defaultTags;
  }

  /**
   * Asks who the credentials belong to.
   * @throws Error when they are not accepted and the settings do not say to skip that.
   */
  async identify(signal: AbortSignal): Promise<void> {
    if (this.settings.skipCredentialsValidation && this.settings.skipRequestingAccountId) return;
    try {
      const { Account, Arn } = await this.sts(signal).getCallerIdentity({});
      if (!this.settings.skipRequestingAccountId) this.account = Account ?? "";
      this.partition = Arn?.split(":")[1] ?? this.partition;
    } catch (error) {
      if (this.settings.skipCredentialsValidation) return;
      const advice = "set aws:accessKey and aws:secretKey, aws:profile, or the usual AWS_ variables of the environment";
      throw new Error(
        `AWS does not accept the credentials: ${error instanceof Error ? error.message : String(error)}; ${advice}`,
        { cause: error },
      );
    }
  }

  arn(service: string, resource: string, account = this.account): string {
    return `arn:${this.partition}:${service}:${service === "iam" ? "" : this.region}:${account}:${resource}`;
  }

  ec2(signal: AbortSignal): EC2 {
    return this.retrying("ec2", this.clients.ec2, signal);
  }

  elb(signal: AbortSignal): ElasticLoadBalancingV2 {
    return this.retrying("elasticloadbalancing", this.clients.elb, signal);
  }

  iam(signal: AbortSignal): IAM {
    return this.retrying("iam", this.clients.iam, signal);
  }

  private sts(signal: AbortSignal): STS {
    return this.retrying("sts", this.clients.sts, signal);
  }

  /** The client, its methods with tries. */
  private retrying<Client extends object>(service: string, client: Client, signal: AbortSignal): Client {
    return new Proxy(client, {
      get: (target, name) => {
        const method = Reflect.get(target, name) as unknown;
        if (typeof method !== "function" || typeof name !== "string") return method;
        return (input: object) => this.call(`${service} ${name}`, (method as Method).bind(target), input, signal);
      },
    });
  }

  /** @param signal Ends waiting and reading. A change that was sent is always waited for: what it made must be known. */
  private async call(call: string, send: Method, input: object, signal: AbortSignal): Promise<unknown> {
    const reads = / (describe|get|list)/.test(call);
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      try {
        return await send(input, reads ? { abortSignal: signal } : {});
      } catch (error) {
        signal.throwIfAborted();
        const known = awsError(call, error, this.addressFor(call));
        if (!this.mayTryAgain(known, error, attempt, reads || "ClientToken" in input)) throw known;
        await sleep(Math.min(firstPause * 2 ** (attempt - 1), longestPause) * (0.5 + Math.random() / 2), undefined, {
          signal,
        });
      }
    }
  }

  /** @param repeatable Twice is the same as once. A change that failed inside the cloud may have been made all the same. */
  private mayTryAgain(known: Error, error: unknown, attempt: number, repeatable: boolean): boolean {
    if (attempt >= this.settings.maxRetries) return false;
    if (known instanceof AwsError) return isThrottled(known) || (repeatable && (known.status ?? 0) >= 500);
    if (neverArrived(error)) return attempt < connectTries;
    return repeatable && attempt < connectTries && isTransport(error);
  }

  private addressFor(call: string): string {
    const { ec2, elb, iam, sts } = this.settings.endpoints;
    return { ec2, elasticloadbalancing: elb, iam, sts }[call.split(" ")[0] ?? ""] ?? "";
  }
}

function isTransport(error: unknown): boolean {
  return (
    error instanceof Error &&
    /ECONNRESET|EPIPE|ETIMEDOUT|TimeoutError|socket hang up/.test(
      `${error.name} ${error.message} ${String((error as { code?: string }).code)}`,
    )
  );
}
