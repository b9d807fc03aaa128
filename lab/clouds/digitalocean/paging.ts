/** Lists as the original pages them: `page` and `per_page` in; `links` and `meta` out. */
import type { FastifyRequest } from "fastify";
import { unprocessable } from "./errors.js";

export interface Page {
  readonly page: number;
  readonly perPage: number;
}

const defaultPerPage = 20;
const maximumPerPage = 200;

export interface PageLinks {
  readonly pages?: Readonly<Partial<Record<"first" | "prev" | "next" | "last", string>>>;
}

/**
 * The page a request asks for. `per_page` above 200 counts as 200.
 * @throws ApiError 422 when one of the two is no positive whole number.
 */
export function pageOf(query: Readonly<Record<string, unknown>>): Page {
  return {
    page: positive(query["page"], "page", 1),
    perPage: Math.min(positive(query["per_page"], "per_page", defaultPerPage), maximumPerPage),
  };
}

function positive(value: unknown, name: string, fallback: number): number {
  const text: unknown = Array.isArray(value) ? value.at(-1) : value;
  if (text === undefined || text === "") return fallback;
  if (typeof text !== "string" || !/^[0-9]{1,9}$/.test(text) || Number(text) < 1) {
    throw unprocessable(`${name}: got "${String(text)}", must be a whole number from 1 on`);
  }
  return Number(text);
}

/** Links to the other pages; empty when everything fits on one. `address` is the list's own, with its other parameters. */
export function pageLinks(address: URL, { page, perPage }: Page, total: number): PageLinks {
  const last = Math.max(1, Math.ceil(total / perPage));
  if (last === 1 && page === 1) return {};
  const link = (number: number): string => {
    const target = new URL(address);
    target.searchParams.set("page", String(number));
    return target.toString();
  };
  return {
    pages: {
      ...(page > 1 ? { first: link(1), prev: link(Math.min(page - 1, last)) } : {}),
      ...(page < last ? { next: link(page + 1), last: link(last) } : {}),
    },
  };
}

export interface List {
  readonly links: PageLinks;
  readonly meta: { readonly total: number };
}

/** One page of `items` under `key`, each shown by `view`. */
export function listOf<K extends string, T, V>(
  request: FastifyRequest,
  key: K,
  items: readonly T[],
  view: (item: T) => V,
): Record<K, V[]> & List {
  const page = pageOf(request.query as Record<string, unknown>);
  const start = (page.page - 1) * page.perPage;
  return {
    [key]: items.slice(start, start + page.perPage).map(view),
    links: pageLinks(new URL(request.url, `http://${request.host}`), page, items.length),
    meta: { total: items.length },
  } as Record<K, V[]> & List;
}
