/** A stack on DigitalOcean for all tests of a suite. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DigitalOceanAccount } from "./account.js";
import { AccountStack } from "./stack.js";

export interface OwnStack {
  /** For files of the tests; removed with the stack. */
  readonly folder: string;
  /** Started before all tests of the suite. */
  readonly account: DigitalOceanAccount;
  readonly stack: AccountStack;
}

/** For the suite that calls this. */
export function ownStack(name: string): OwnStack {
  const folder = mkdtempSync(join(tmpdir(), `corekube-${name}-`));
  let account: DigitalOceanAccount | undefined;
  let stack: AccountStack | undefined;
  before(async () => {
    account = await DigitalOceanAccount.start(folder);
    stack = new AccountStack(account);
    await stack.create();
  });
  after(async () => {
    await account?.close();
    stack?.remove();
    rmSync(folder, { recursive: true });
  });
  return {
    folder,
    get account() {
      return account!;
    },
    get stack() {
      return stack!;
    },
  };
}
