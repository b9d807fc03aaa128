/** DigitalOcean's TypeScript client, generated from the public description, reading strictly. */
import { StrictNode, type Optional } from "./strictNode.js";

/** As much of the client as the tests need to know: builders by path, each with the methods of its path. */
export interface Builder {
  readonly [path: string]: Builder;
}
type Method = (...args: readonly unknown[]) => Promise<unknown>;

interface Modules {
  createDigitalOceanClient(adapter: object): Builder;
  DigitalOceanApiKeyAuthenticationProvider: new (token: string) => object;
  FetchRequestAdapter: new (authentication: object, parser: object) => { baseUrl: string };
}

export interface DotsClient {
  /** Calls `method` of the builder at `path`, a list of names and of `[name, key]` for items. */
  call(
    method: "get" | "post" | "put" | "patch" | "delete",
    path: readonly (string | readonly [string, string | number])[],
    ...args: readonly unknown[]
  ): Promise<Record<string, unknown>>;
  /** What was wrong with the answers read up to now. */
  readonly problems: string[];
}

/** Both packages are ECMAScript modules, and their sources would be type-checked with ours: they are loaded by name. */
async function load(): Promise<Modules> {
  const names = ["@digitalocean/dots", "@microsoft/kiota-http-fetchlibrary"];
  const [dots, http] = (await Promise.all(names.map((name) => import(name)))) as [Modules, Modules];
  return {
    createDigitalOceanClient: dots.createDigitalOceanClient,
    DigitalOceanApiKeyAuthenticationProvider: dots.DigitalOceanApiKeyAuthenticationProvider,
    FetchRequestAdapter: http.FetchRequestAdapter,
  };
}

export async function dotsClient(
  address: string,
  token: string,
  optional: Optional,
  extra: Optional,
): Promise<DotsClient> {
  const { createDigitalOceanClient, DigitalOceanApiKeyAuthenticationProvider, FetchRequestAdapter } = await load();
  const problems: string[] = [];
  let step = "";
  const parser = {
    getValidContentType: () => "application/json",
    getRootParseNode: (_type: string, content: ArrayBuffer) =>
      new StrictNode(JSON.parse(new TextDecoder().decode(content)), step, problems, optional, extra),
  };
  const adapter = new FetchRequestAdapter(new DigitalOceanApiKeyAuthenticationProvider(token), parser);
  adapter.baseUrl = address;
  const client = createDigitalOceanClient(adapter);
  return {
    problems,
    async call(method, path, ...args) {
      step = `${method.toUpperCase()} ${path.map((part) => (typeof part === "string" ? part : `${part[0]}(${part[1]})`)).join("/")}:`;
      const builder = path.reduce<Builder>((from, part) => {
        const next =
          typeof part === "string"
            ? from[part]
            : (from[part[0]] as unknown as (key: string | number) => Builder)(part[1]);
        if (!next) throw new Error(`the client has no ${step}`);
        return next;
      }, client);
      return ((await (builder[method] as unknown as Method)(...args)) ?? {}) as Record<string, unknown>;
    },
  };
}
