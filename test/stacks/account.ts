/** An account of each of the lab's clouds, without machines. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { createApi, type Api } from "../../lab/clouds/digitalocean/api.js";
import { Moto } from "../../lab/clouds/aws/moto.js";
import { labConfig } from "../../lab/config.js";
import * as aws from "../../lab/standins/aws/plugin.js";
import * as digitalocean from "../../lab/standins/digitalocean/plugin.js";
import { fetchXml, TestAws } from "../support/awsCloud.js";
import { FakeDriver } from "../support/fakeDriver.js";
import { type Hold, serveProviders, type ServedProviders } from "../support/stubProviders.js";

/** All that an account holds: lists of things by kind. */
export type Holdings = Readonly<Record<string, readonly unknown[]>>;

export interface Account {
  /** The shipped stack whose settings its stacks have. */
  readonly shipped: string;
  /** Settings by which a stack finds it. */
  readonly settings: Readonly<Record<string, unknown>>;
  holdings(): Promise<Holdings>;
  /** From now on, the account may have so many machines more than it has; the cloud says so when one is made, and not before. */
  allowMore(machines: number): Promise<void>;
  allowAll(): void;
  /** Its provider and stubs of the others, for one run. */
  serve(hold?: Hold): Promise<ServedProviders>;
  close(): Promise<void>;
}

export class DigitalOceanAccount implements Account {
  readonly shipped = "ha";
  private limit = Number.POSITIVE_INFINITY;

  private constructor(
    readonly api: Api,
    readonly url: string,
    private readonly token: string,
  ) {}

  static async start(folder: string): Promise<DigitalOceanAccount> {
    const config = labConfig({ ...process.env, COREKUBE_LAB: "test", COREKUBE_LAB_DIR: folder });
    const made: { account?: DigitalOceanAccount } = {};
    const api = await createApi({
      driver: new FakeDriver(),
      stateFile: join(folder, "api.json"),
      config,
      scarcity: () => made.account?.scarcity() ?? {},
      delays: { image: 5, loadBalancer: 5 },
      rateLimit: { hourly: 1_000_000, burst: 1_000_000 },
    });
    const url = await api.app.listen({ host: "127.0.0.1", port: 0 });
    return (made.account = new DigitalOceanAccount(api, url, config.token));
  }

  get settings(): Account["settings"] {
    return { "digitalocean:apiEndpoint": this.url };
  }

  /** Another stack of the account takes the last droplets while a run is under way. */
  private scarcity(): { readonly droplets?: number } {
    const { length } = this.api.store.state.droplets;
    return length >= this.limit ? { droplets: this.limit } : {};
  }

  async holdings(): Promise<Holdings> {
    await this.api.idle();
    const {
      account: _account,
      version: _version,
      nextId: _id,
      cursors: _cursors,
      actions: _actions,
      ...kinds
    } = structuredClone(this.api.store.state);
    return { ...kinds, userData: Object.entries(kinds.userData) };
  }

  allowMore(machines: number): Promise<void> {
    this.limit = this.api.store.state.droplets.length + machines;
    return Promise.resolve();
  }

  allowAll(): void {
    this.limit = Number.POSITIVE_INFINITY;
  }

  serve(hold?: Hold): Promise<ServedProviders> {
    return serveProviders(digitalocean.createPlugin({ DIGITALOCEAN_TOKEN: this.token }), hold);
  }

  async close(): Promise<void> {
    await this.api.app.close();
  }
}

const balanced = ["LoadBalancers", "TargetGroups"];

const tagged = [
  "Vpcs",
  "Subnets",
  "InternetGateways",
  "RouteTables",
  "SecurityGroups",
  "SecurityGroupRules",
  "KeyPairs",
  "Volumes",
  "Addresses",
  "NetworkInterfaces",
  "IamInstanceProfileAssociations",
];

export class AwsAccount implements Account {
  readonly shipped = "lab-aws";

  private constructor(private readonly cloud: TestAws) {}

  static async start(): Promise<AwsAccount> {
    return new AwsAccount(await TestAws.start());
  }

  get settings(): Account["settings"] {
    return { ...this.cloud.config(), "aws:accessKey": "test", "aws:secretKey": "test" };
  }

  async holdings(): Promise<Holdings> {
    const { kinds, instances, ...state } = await new Moto(this.cloud.url).state();
    const lists = Object.entries({ ...state, ...kinds }).filter(([, value]) => Array.isArray(value));
    const found: Record<string, readonly unknown[]> = {
      ...(Object.fromEntries(lists) as Holdings),
      machines: instances,
      roles: await this.list("iam", "GetAccountAuthorizationDetails&Filter.member.1=Role&Version=2010-05-08", "member"),
    };
    for (const what of balanced)
      found[what] = await this.list("elasticloadbalancing", `Describe${what}&Version=2015-12-01`, "member");
    // With their tags. Those of EC2's own list stay in moto when what had them is gone.
    for (const what of tagged) found[what] = await this.list("ec2", `Describe${what}&Version=2016-11-15`, "item");
    return found;
  }

  async allowMore(machines: number): Promise<void> {
    const { instances } = await new Moto(this.cloud.url).state();
    const used = instances.reduce((sum, { cpus }) => sum + cpus, 0);
    this.cloud.setScarcity({ vcpus: used + machines * Math.max(...instances.map(({ cpus }) => cpus)) });
  }

  allowAll(): void {
    this.cloud.setScarcity({});
  }

  serve(hold?: Hold): Promise<ServedProviders> {
    return serveProviders(aws.createPlugin({}), hold);
  }

  close(): Promise<void> {
    return this.cloud.stop();
  }

  /** The outermost elements of an answer's list, as text. */
  private async list(service: string, action: string, element: string): Promise<readonly string[]> {
    const text = await fetchXml(this.cloud.url, `Action=${action}`, service);
    const found: string[] = [];
    let depth = 0;
    let begin = 0;
    for (const tag of text.matchAll(new RegExp(`<(/?)${element}>`, "g"))) {
      if (tag[1] === "" && depth++ === 0) begin = tag.index;
      if (tag[1] === "/" && --depth === 0) found.push(text.slice(begin, tag.index));
    }
    assert.equal(depth, 0, text);
    return found.map((each) => each.replaceAll(/\s+/g, " "));
  }
}
