/** GitHub and GitLab as far as the scripts use them: paths, headers and answers of their REST APIs, with lists in pages. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export const token = "ghs_TokenOfTheTest0123456789";

export interface Entry {
  id: number;
  body: string;
  author: string;
  title?: string;
  label?: string;
  open: boolean;
}

export class FakeForge {
  readonly comments: Entry[] = [];
  readonly issues: Entry[] = [];
  /** Method and path of every request that wrote something. */
  readonly writes: string[] = [];
  /** A workflow's token may not ask who it is. */
  anonymous = true;
  readonly #server: Server;
  #next = 1000;

  constructor(readonly kind: "github" | "gitlab") {
    this.#server = createServer((request, response) => {
      void read(request).then((body) => {
        const { status, answer } = this.#answer(request, body);
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get environment(): Record<string, string> {
    const address = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this.kind === "github"
      ? {
          GITHUB_REPOSITORY: "owner/name",
          GITHUB_API_URL: address,
          GITHUB_TOKEN: token,
          GITHUB_REF: "refs/pull/7/merge",
        }
      : {
          GITLAB_CI: "true",
          CI_PROJECT_ID: "42",
          CI_API_V4_URL: `${address}/api/v4`,
          GITLAB_TOKEN: token,
          CI_MERGE_REQUEST_IID: "7",
        };
  }

  add(list: Entry[], body: string, author: string, more: Partial<Entry> = {}): Entry {
    const entry: Entry = { id: this.#next++, body, author, open: true, ...more };
    list.push(entry);
    return entry;
  }

  /** The user of the token. */
  get self(): string {
    return this.kind === "github" && this.anonymous ? "github-actions[bot]" : "5";
  }

  #answer(request: IncomingMessage, body: Record<string, string>): { status: number; answer: unknown } {
    const github = this.kind === "github";
    const authorized = github
      ? request.headers.authorization === `Bearer ${token}` && request.headers["x-github-api-version"] === "2022-11-28"
      : request.headers["private-token"] === token;
    if (!authorized) return { status: 401, answer: { message: "401 Unauthorized" } };
    const url = new URL(request.url ?? "", "http://forge");
    const call = `${request.method} ${url.pathname}`;
    if (request.method !== "GET") this.writes.push(call);
    const page = (entries: Entry[]): { status: number; answer: unknown } => {
      const [size, number] = [
        Number(url.searchParams.get("per_page") ?? 20),
        Number(url.searchParams.get("page") ?? 1),
      ];
      return {
        status: 200,
        answer: entries.slice((number - 1) * size, number * size).map((entry) => this.#view(entry)),
      };
    };
    const open = (): Entry[] =>
      this.issues.filter((issue) => issue.open && issue.label === url.searchParams.get("labels"));
    const [root, text] = github ? ["/repos/owner/name", "body"] : ["/api/v4/projects/42", "description"];
    const notes = github ? `${root}/issues/7/comments` : `${root}/merge_requests/7/notes`;
    const change = (entry: Entry | undefined, field: string): { status: number; answer: unknown } => {
      if (!entry) return { status: 404, answer: { message: "404 Not found" } };
      if (body[field] !== undefined) entry.body = body[field];
      if (body["title"] !== undefined) entry.title = body["title"];
      if (body["state"] === "closed" || body["state_event"] === "close") entry.open = false;
      return { status: 200, answer: this.#view(entry) };
    };
    const last = Number(url.pathname.split("/").at(-1));
    if (call === `GET ${github ? "/user" : "/api/v4/user"}`)
      return github && this.anonymous
        ? { status: 403, answer: { message: "Resource not accessible by integration" } }
        : { status: 200, answer: { login: this.self, id: Number(this.self) } };
    if (call === `GET ${notes}`) return page(this.comments);
    if (call === `POST ${notes}`)
      return { status: 201, answer: this.#view(this.add(this.comments, body["body"] ?? "", this.self)) };
    if (call === `${github ? "PATCH" : "PUT"} ${github ? `${root}/issues/comments` : notes}/${last}`)
      return change(
        this.comments.find(({ id }) => id === last),
        "body",
      );
    if (call === `GET ${root}/issues`) return page(open());
    if (call === `POST ${root}/issues`)
      return {
        status: 201,
        answer: this.#view(
          this.add(this.issues, body[text] ?? "", this.self, {
            title: body["title"],
            label: github ? String(body["labels"]) : body["labels"],
          }),
        ),
      };
    if (call === `${github ? "PATCH" : "PUT"} ${root}/issues/${last}`)
      return change(
        this.issues.find(({ id }) => id === last),
        text,
      );
    return { status: 404, answer: { message: `no ${call}` } };
  }

  #view({ id, body, author, title }: Entry): object {
    return this.kind === "github"
      ? { id, number: id, body, title, user: { login: author } }
      : { id, iid: id, body, description: body, title, author: { id: Number(author) } };
  }
}

async function read(request: IncomingMessage): Promise<Record<string, string>> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? {} : (JSON.parse(text) as Record<string, string>);
}
