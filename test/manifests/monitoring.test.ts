/** The example `monitoring`, as far as it can be read without Prometheus: test/cluster/addons/monitoring.test.ts has the rest. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { toolchain } from "../../components/spec/versions.js";
import { alerts, expressions, metricNames, panels } from "../support/monitoring.js";

const folder = path.join(__dirname, "../../examples/monitoring");
const read = (file: string): string => readFileSync(path.join(folder, file), "utf8");

interface Tests {
  readonly tests: readonly {
    readonly promql_expr_test: readonly { expr: string; exp_samples: readonly unknown[] }[];
  }[];
}
interface Configuration {
  readonly scrape_configs: readonly {
    readonly job_name: string;
    readonly scheme?: string;
    readonly tls_config?: { readonly ca_file?: string; readonly insecure_skip_verify?: boolean };
  }[];
}
const configuration = parse(read("prometheus.yml"), { merge: true }) as Configuration;
const jobs = configuration.scrape_configs.map(({ job_name }) => job_name);

describe("the example monitoring", () => {
  it("has alerts that say how bad it is, what is wrong, what it means and what to run next", () => {
    const all = alerts(folder);
    assert.ok(all.length > 15);
    assert.equal(new Set(all.map(({ alert }) => alert)).size, all.length);
    for (const { alert, labels, annotations } of all) {
      assert.match(labels.severity ?? "none", /^(warning|critical)$/, alert);
      assert.deepEqual(Object.keys(annotations), ["summary", "description", "command"], alert);
      for (const text of Object.values(annotations)) assert.ok(text.length > 10, alert);
    }
  });

  it("has a test for each alert in which it fires, and one in which it does not", () => {
    const cases = (parse(read("rules.test.yml")) as Tests).tests.flatMap((test) => test.promql_expr_test);
    for (const { alert } of alerts(folder)) {
      const own = cases.filter(({ expr }) => expr === `ALERTS{alertname="${alert}",alertstate="firing"}`);
      assert.ok(
        own.some(({ exp_samples }) => exp_samples.length > 0),
        `${alert} never fires`,
      );
      assert.ok(
        own.some(({ exp_samples }) => exp_samples.length === 0),
        `${alert} is never quiet`,
      );
    }
  });

  it("is in the documentation: each alert, and where it reads", () => {
    const text = readFileSync(path.join(__dirname, "../../docs/monitoring.md"), "utf8");
    for (const { alert } of alerts(folder)) assert.ok(text.includes(`\`${alert}\``), alert);
    for (const job of jobs) assert.ok(text.includes(`\`${job}\``), job);
  });

  it("asks in rules and panels only for jobs that it scrapes", () => {
    const known = new Set([...jobs, "velero"]);
    for (const expression of expressions(folder)) {
      for (const [, , names = ""] of expression.matchAll(/job(=~?|!~)"([^"]*)"/g))
        for (const name of names.split("|")) assert.ok(known.has(name), `${name}: ${expression}`);
      if (/^(?!ALERTS|count\(up)/.test(expression)) assert.match(expression, /job/, expression);
      assert.ok(metricNames(expression).length > 0, expression);
    }
  });

  it("has panels that ask the data source that the dashboard's reader chooses", () => {
    const drawn = panels(folder).filter(({ type }) => type !== "row");
    assert.ok(drawn.length > 20);
    for (const { title, datasource, targets = [] } of drawn) {
      assert.equal(datasource?.uid, "${datasource}", title);
      assert.ok(targets.length > 0, title);
    }
  });

  it("verifies every certificate", () => {
    for (const { job_name, scheme, tls_config } of configuration.scrape_configs) {
      if (scheme !== "https") continue;
      assert.ok(tls_config?.ca_file, job_name);
      assert.equal(tls_config.insecure_skip_verify, undefined, job_name);
    }
  });

  it("has the image that the lab makes", () => {
    assert.ok(read("prometheus.yaml").includes(`image: ${toolchain.tryout.prometheus.name}\n`));
  });

  it("has a script that a plain shell runs", () => {
    execFileSync("shellcheck", [path.join(folder, "etcd.sh")]);
  });
});
