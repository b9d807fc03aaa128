/** The forge that runs the pipeline: comments on a pull or merge request, and issues. GitHub and GitLab, by their REST APIs. */
import { Problem } from "./command.js";

interface Note {
  readonly id: number;
  readonly body: string;
}

interface Forge {
  /** For messages: `GitHub` or `GitLab`. */
  readonly name: string;
  /** Comments that the token's owner wrote on the request that the pipeline runs for. */
  comments(): Promise<Note[]>;
  createComment(body: string): Promise<void>;
  updateComment(id: number, body: string): Promise<void>;
  /** Open issues with a label that the token's owner opened. */
  issues(label: string): Promise<Note[]>;
  createIssue(title: string, body: string, label: string): Promise<void>;
  updateIssue(id: number, title: string, body: string): Promise<void>;
  closeIssue(id: number): Promise<void>;
}

const pageLength = 100;
/** Seconds. */
const patience = 30;

type Method = "GET" | "POST" | "PUT" | "PATCH";
interface Author {
  readonly id?: number;
  readonly login?: string;
}

/** One HTTP answer that is no success. */
class Refusal extends Problem {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * The forge of this pipeline, from the variables that it sets. The token comes from GITHUB_TOKEN or GITLAB_TOKEN only.
 * @param number Of the pull or merge request. @default that of the pipeline
 * @throws Problem that names the variable which is missing.
 */
export function forgeOf(env: NodeJS.ProcessEnv = process.env, number?: number): Forge {
  if (env["GITLAB_CI"] || (env["CI_PROJECT_ID"] && !env["GITHUB_REPOSITORY"])) return gitlab(env, number);
  if (env["GITHUB_REPOSITORY"]) return github(env, number);
  throw new Problem(
    "which forge? On GitHub set GITHUB_REPOSITORY (owner/name) and GITHUB_TOKEN; on GitLab CI_PROJECT_ID, CI_API_V4_URL and GITLAB_TOKEN. Their pipelines set all but the token",
  );
}

/** https://docs.github.com/rest/issues/comments and /rest/issues/issues: a pull request is an issue there. */
function github(env: NodeJS.ProcessEnv, number: number | undefined): Forge {
  const repository = need(env, "GITHUB_REPOSITORY");
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository))
    throw new Problem(`GITHUB_REPOSITORY: got "${repository}", allowed is owner/name`);
  const call = caller("GitHub", env["GITHUB_API_URL"] ?? "https://api.github.com", {
    authorization: `Bearer ${need(env, "GITHUB_TOKEN", "in a workflow: env: GITHUB_TOKEN: ${{ github.token }}")}`,
    accept: "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
  });
  const base = `/repos/${repository}`;
  const pull = (): number =>
    requestNumber(
      number ?? /^refs\/pull\/(\d+)\//.exec(env["GITHUB_REF"] ?? "")?.[1],
      "GITHUB_REF is no pull request's; give --number",
    );
  // A workflow's token has no user that could be asked for; what it writes is by this one.
  const own = once(async () => {
    try {
      return ((await call("GET", "/user")) as { login: string }).login;
    } catch (error) {
      if (error instanceof Refusal && error.status === 403) return "github-actions[bot]";
      throw error;
    }
  });
  type Item = { id: number; number: number; body: string | null; user: Author | null; pull_request?: unknown };
  const mine = async (items: Item[]): Promise<Item[]> => {
    const login = await own();
    return items.filter((item) => item.user?.login === login);
  };
  return {
    name: "GitHub",
    comments: async () =>
      (await mine(await pages<Item>(call, `${base}/issues/${pull()}/comments`))).map(({ id, body }) => ({
        id,
        body: body ?? "",
      })),
    createComment: async (body) => {
      await call("POST", `${base}/issues/${pull()}/comments`, { body });
    },
    updateComment: async (id, body) => {
      await call("PATCH", `${base}/issues/comments/${id}`, { body });
    },
    issues: async (label) =>
      (await mine(await pages<Item>(call, `${base}/issues?state=open&labels=${encodeURIComponent(label)}`)))
        .filter((item) => item.pull_request === undefined)
        .map((item) => ({ id: item.number, body: item.body ?? "" })),
    createIssue: async (title, body, label) => {
      await call("POST", `${base}/issues`, { title, body, labels: [label] });
    },
    updateIssue: async (id, title, body) => {
      await call("PATCH", `${base}/issues/${id}`, { title, body });
    },
    closeIssue: async (id) => {
      await call("PATCH", `${base}/issues/${id}`, { state: "closed" });
    },
  };
}

/** https://docs.gitlab.com/api/notes and /api/issues. The job's own token may not write notes: a project access token with the scope `api`. */
function gitlab(env: NodeJS.ProcessEnv, number: number | undefined): Forge {
  const call = caller("GitLab", need(env, "CI_API_V4_URL"), {
    "private-token": need(
      env,
      "GITLAB_TOKEN",
      "a masked CI/CD variable with a project access token, role Reporter, scope api",
    ),
  });
  const base = `/projects/${encodeURIComponent(need(env, "CI_PROJECT_ID"))}`;
  const notes = (): string =>
    `${base}/merge_requests/${requestNumber(number ?? env["CI_MERGE_REQUEST_IID"], "CI_MERGE_REQUEST_IID is not set: no pipeline of a merge request; give --number")}/notes`;
  const own = once(async () => ((await call("GET", "/user")) as { id: number }).id);
  const mine = async <T extends { author: Author | null }>(items: T[]): Promise<T[]> => {
    const id = await own();
    return items.filter((item) => item.author?.id === id);
  };
  return {
    name: "GitLab",
    comments: async () =>
      (await mine(await pages<{ id: number; body: string; author: Author | null }>(call, notes()))).map(
        ({ id, body }) => ({ id, body }),
      ),
    createComment: async (body) => {
      await call("POST", notes(), { body });
    },
    updateComment: async (id, body) => {
      await call("PUT", `${notes()}/${id}`, { body });
    },
    issues: async (label) =>
      (
        await mine(
          await pages<{ iid: number; description: string | null; author: Author | null }>(
            call,
            `${base}/issues?state=opened&labels=${encodeURIComponent(label)}`,
          ),
        )
      ).map(({ iid, description }) => ({ id: iid, body: description ?? "" })),
    createIssue: async (title, body, label) => {
      await call("POST", `${base}/issues`, { title, description: body, labels: label });
    },
    updateIssue: async (id, title, body) => {
      await call("PUT", `${base}/issues/${id}`, { title, description: body });
    },
    closeIssue: async (id) => {
      await call("PUT", `${base}/issues/${id}`, { state_event: "close" });
    },
  };
}

type Call = (method: Method, path: string, body?: unknown) => Promise<unknown>;

function caller(name: string, address: string, headers: Readonly<Record<string, string>>): Call {
  const url = new URL(address);
  const loopback = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (url.protocol !== "https:" && !loopback)
    throw new Problem(`${name}: got the address ${address}, allowed is https: the token would travel in the clear`);
  return async (method, path, body) => {
    let answer: Response;
    try {
      answer = await fetch(`${address.replace(/\/$/, "")}${path}`, {
        method,
        headers: {
          "user-agent": "corekube-ci",
          ...headers,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        signal: AbortSignal.timeout(patience * 1000),
        // A token is for the address that it was given for.
        redirect: "error",
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      const cause = (error as Error & { cause?: Error }).cause;
      throw new Problem(`${name}: ${method} ${path} got no answer: ${cause?.message ?? (error as Error).message}`);
    }
    const text = await answer.text();
    if (!answer.ok)
      throw new Refusal(
        answer.status,
        `${name}: ${method} ${path}: ${answer.status} ${text.slice(0, 300)}${refusal(answer.status)}`,
      );
    return text === "" ? {} : (JSON.parse(text) as unknown);
  };
}

function refusal(status: number): string {
  if (status === 401) return "\nWhat to do: the token is wrong or has ended";
  if (status === 403 || status === 404)
    return '\nWhat to do: give the token the permission (GitHub: "pull-requests: write" or "issues: write"; GitLab: scope api); pull requests of forks have none';
  return "";
}

async function pages<T>(call: Call, path: string): Promise<T[]> {
  const found: T[] = [];
  for (let page = 1; ; page++) {
    const items = (await call(
      "GET",
      `${path}${path.includes("?") ? "&" : "?"}per_page=${pageLength}&page=${page}`,
    )) as T[];
    found.push(...items);
    if (items.length < pageLength) return found;
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

function need(env: NodeJS.ProcessEnv, name: string, hint = "the pipeline sets it"): string {
  const value = env[name];
  if (!value) throw new Problem(`${name} is not set (${hint})`);
  return value;
}

function requestNumber(value: string | number | undefined, problem: string): number {
  const number = Number(value);
  if (value === undefined || !Number.isInteger(number) || number < 1) throw new Problem(problem);
  return number;
}
