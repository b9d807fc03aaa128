/** Machines that know of each other while one is replaced: real SSH servers on loopback addresses, all on one port as in a cluster. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { freePort } from "../../lab/process/freePort.js";
import { rolloutPlan } from "../../components/rollout/provider/rolloutPlan.js";
import { Delivery } from "../../provider/resources/delivery.js";
import type { Properties } from "../../provider/rpc/properties.js";
import { waitOnly } from "./support/limits.js";
import { checked, incomplete, operation } from "./support/operation.js";
import { FakeMachine } from "./support/sshd.js";

const CA = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
const NOBODY = "127.0.0.99";
/** Answers as etcdctl 3.7 does, from a file, and writes down what it was asked to change. */
const ETCDCTL = `#!/bin/bash
case "$*" in
  *"member list") cat "$FAKE_ROOT/members.json" ;;
  *"alarm list") echo '{"header":{"cluster_id":12101053776118486841}}' ;;
  *) all="$*"; echo "\${all#*20s }" >>"$FAKE_ROOT/etcdctl.log"; echo "{}" ;;
esac
`;

/**
 * Changes the list as etcd does, refuses to do so twice in etcd's words, and ends the connection after the first `member VERB`: the
 * change is made, and nobody hears of it.
 */
const ETCDCTL_CUT_OFF = (verb: "add" | "remove"): string => `#!/bin/bash
after() {
  [ ! -e "$FAKE_ROOT/$1.done" ] || { echo "Error: etcdserver: $3" >&2; exit 1; }
  touch "$FAKE_ROOT/$1.done"
  cp "$FAKE_ROOT/$2.json" "$FAKE_ROOT/members.json"
  [ $1 = ${verb} ] || return 0
  pid=$$
  while read -r name <"/proc/$pid/comm" && [[ $name != sshd* ]]; do pid=$(ps -o ppid= -p "$pid" | tr -d ' '); done
  kill -KILL "$pid"
}
all="$*"
case "$all" in *"member list") ;; *) echo "\${all#*20s }" >>"$FAKE_ROOT/etcdctl.log" ;; esac
case "$all" in
  *"member list") cat "$FAKE_ROOT/members.json" ;;
  *"member remove"*) after remove removed "member not found"; echo "{}" ;;
  *"member add"*) after add added "Peer URLs already exists"; echo "{}" ;;
esac
`;

describe("machines of a plan", function () {
  this.timeout(180_000);
  // Longer than any machine here needs to answer, even beside other work.
  waitOnly({ settle: 15, peer: 8, leaving: 8, lost: 4 });
  const delivery = new Delivery();
  const names = ["etcd-0", "etcd-1", "etcd-2", "controller-0", "worker-0", "worker-1"];
  let machines: Map<string, FakeMachine>;
  let port: number;

  beforeEach(async () => {
    port = await freePort();
    machines = new Map(names.map((name, index) => [name, new FakeMachine(`127.0.0.${index + 10}`)]));
    const keys = of("etcd-0").read("authorized_keys");
    for (const machine of machines.values()) {
      machine.port = port;
      machine.write("authorized_keys", keys);
      machine.script("opt/bin/etcdctl", ETCDCTL);
    }
    await Promise.all([...machines.values()].map((machine) => machine.start()));
    begin();
  });
  afterEach(async () => {
    rolloutPlan.begin({ machines: [] });
    await Promise.all([...machines.values()].map((machine) => machine.remove()));
  });

  const of = (name: string): FakeMachine => machines.get(name)!;
  const planned = (name: string, host: string | undefined = of(name).host) => ({
    machine: name,
    pool: name.split("-")[0],
    atOnce: 1,
    host,
    hostKey: of(name).hostKey,
  });
  const begin = (entries = names.map((name) => planned(name)), bastion?: string): void =>
    rolloutPlan.begin({ machines: entries, bastion });
  const inputs = (name: string, given: Properties = {}): Properties =>
    checked(delivery, {
      machine: name,
      machineId: "1",
      host: of(name).host,
      port,
      user: "root",
      privateKey: of("etcd-0").privateKey,
      files: { "ca.crt": CA },
      timeout: 20,
      ...given,
    });
  const stopped = (name: string): boolean => of(name).asked.includes("stop etcd.service");
  /** The first half of a machine's replacement. */
  const remove = async (name: string, given: Properties = {}): Promise<string> => {
    const run = operation();
    await delivery.delete(run, { inputs: inputs(name, given), outputs: { hostKey: of(name).hostKey } });
    return run.warnings.join("\n");
  };
  const another = async (name: string): Promise<void> => {
    await of(name).stop();
    of(name).newHostKey();
    await of(name).start();
  };

  describe("of etcd", () => {
    const addresses = { "etcd-0": "10.0.0.10", "etcd-1": "10.0.0.11", "etcd-2": "10.0.0.12" };
    const member = (index: number, given: object = {}) => ({
      ID: `${index}f47ac10b58cc437`,
      name: `etcd-${index}`,
      peerURLs: [`https://10.0.0.1${index}:2380`],
      clientURLs: [`https://10.0.0.1${index}:2379`],
      ...given,
    });
    const etcd = (given: Properties = {}): Properties =>
      inputs("etcd-0", { address: addresses["etcd-0"], members: addresses, ...given });
    const changes = (name: string): string[] =>
      existsSync(of(name).path("etcdctl.log")) ? of(name).read("etcdctl.log").trim().split("\n") : [];
    /** With which it was started, and which it has once it serves. */
    const environment = (): string => of("etcd-0").read("started");
    const afterwards = (): string => of("etcd-0").read("etc/corekube/secrets/cluster.env");
    const place = (name: string): void => {
      mkdirSync(path.dirname(of("etcd-0").path(name)), { recursive: true });
      of("etcd-0").write(name, "x");
    };
    const data = "var/lib/etcd/member/snap/db";
    const log = "var/lib/etcd-wal/wal/0000000000000000-0000000000000000.wal";
    const existing =
      "ETCD_INITIAL_CLUSTER=etcd-1=https://10.0.0.11:2380,etcd-2=https://10.0.0.12:2380,etcd-0=https://10.0.0.10:2380\nETCD_INITIAL_CLUSTER_STATE=existing\n";

    beforeEach(() => {
      for (const name of ["etcd-0", "etcd-1", "etcd-2"])
        of(name).write("members.json", JSON.stringify({ members: [0, 1, 2].map((index) => member(index)) }));
      mkdirSync(of("etcd-0").path("var/lib/etcd-wal/wal"), { recursive: true });
      of("etcd-0").health("cp -n $FAKE_ROOT/etc/corekube/secrets/cluster.env $FAKE_ROOT/started");
    });

    it("joins the others once: it would not join again with an empty disk after a boot", async () => {
      of("etcd-0").write("etc/corekube/etcd-has-served", "");
      await delivery.create(operation(), etcd());
      assert.equal(environment(), existing);
      assert.match(afterwards(), /ETCD_INITIAL_CLUSTER_STATE=new/);
      assert.ok(!existsSync(of("etcd-0").path("etc/corekube/etcd-has-served")), "it may start without data now");
    });

    describe("that is the only one", () => {
      const alone = (given: Properties = {}): Properties => etcd({ members: { "etcd-0": "10.0.0.10" }, ...given });
      const nextRun = (etcdHasServed = true): void => {
        rolloutPlan.begin({ machines: [{ ...planned("etcd-0"), host: undefined }], etcdHasServed });
      };
      const served = { served: true, address: "10.0.0.10" };

      it("is not replaced by an empty one, in this run or the next, unless its delivery is replaced by name", async () => {
        nextRun(false);
        await delivery.delete(operation(), { inputs: alone({ machineId: "0" }), outputs: served });
        const refused = await incomplete(delivery.create(operation(), alone()));
        assert.match(
          refused.message,
          /etcd-0 .*etcd has served, and its data is gone.*pulumi up --replace '\*\*:Delivery::etcd-0'/s,
        );
        assert.ok(!existsSync(of("etcd-0").path("etc/corekube/secrets")));
        nextRun(false);
        const state = { inputs: alone(), outputs: refused.outputs };
        await incomplete(delivery.update(operation(), state, alone({ files: { a: "1" } })));
        nextRun();
        const run = operation();
        await delivery.delete(run, state);
        const { outputs } = await delivery.create(run, alone());
        assert.match(environment(), /^ETCD_INITIAL_CLUSTER=etcd-0=\S+\nETCD_INITIAL_CLUSTER_STATE=new$/m);
        assert.match(run.warnings.join(), /etcd-0: starts a new, empty etcd cluster, as asked for/);
        assert.equal(outputs["served"], true);
      });

      it("is not replaced by an empty one where only the state says that it has served", async () => {
        nextRun();
        await incomplete(delivery.create(operation(), alone()));
        nextRun(false);
        await delivery.create(operation(), alone());
      });
    });

    it("is removed and added when it has lost its data, also where it has its old address", async () => {
      await delivery.create(operation(), etcd());
      assert.deepEqual(changes("etcd-1"), [
        "member remove 0f47ac10b58cc437",
        "member add etcd-0 --peer-urls=https://10.0.0.10:2380",
      ]);
      assert.equal(environment(), existing);
    });

    for (const verb of ["remove", "add"] as const) {
      it(`is added in the same run where the connection breaks after \`member ${verb}\``, async () => {
        const others = [member(1), member(2)];
        const added = { ...member(0), ID: "3f47ac10b58cc437", name: "", clientURLs: undefined };
        of("etcd-1").write("removed.json", JSON.stringify({ members: others }));
        of("etcd-1").write("added.json", JSON.stringify({ members: [...others, added] }));
        of("etcd-1").script("opt/bin/etcdctl", ETCDCTL_CUT_OFF(verb));
        await delivery.create(operation(), etcd());
        const asked = changes("etcd-1");
        assert.equal(asked.filter((line) => line.startsWith(`member ${verb}`)).length, 2);
        assert.equal(asked.length, 3);
        // etcd-2 would have been asked next.
        assert.deepEqual(changes("etcd-2"), []);
        assert.equal(environment(), existing);
      });
    }

    // `null`: `printMemberListWithHexJSON` in etcd 3.6's etcdctl/ctlv3/command/printer_json.go; left out: 3.7.
    for (const [version, clientURLs] of [
      ["etcd 3.7", undefined],
      ["etcd 3.6", null],
    ] as const)
      it(`is not removed while it has not started for the first time: ${version}`, async () => {
        for (const name of ["etcd-0", "etcd-1"])
          of(name).write(
            "members.json",
            JSON.stringify({ members: [member(0, { clientURLs }), member(1), member(2)] }),
          );
        await delivery.create(operation(), etcd());
        assert.deepEqual(changes("etcd-1"), []);
        assert.match(environment(), /ETCD_INITIAL_CLUSTER_STATE=new/);
      });

    for (const [what, file] of [
      ["data without its log", data],
      ["a log without its data", log],
    ] as const) {
      it(`copies everything where it has ${what}, and does not start with that`, async () => {
        place(file);
        await delivery.create(operation(), etcd());
        assert.equal(changes("etcd-1").length, 2);
        assert.equal(environment(), existing);
        assert.ok(!existsSync(of("etcd-0").path(file)));
      });
    }

    it("keeps its membership under another address when it has its data, and asks the first member that answers", async () => {
      place(data);
      place(log);
      await of("etcd-1").stop();
      await delivery.create(
        operation(),
        etcd({ address: "10.0.0.77", members: { ...addresses, "etcd-0": "10.0.0.77" } }),
      );
      assert.deepEqual(changes("etcd-2"), ["member update 0f47ac10b58cc437 --peer-urls=https://10.0.0.77:2380"]);
    });

    it("gets new certificates although no other member answers, because it starts as it ran before", async () => {
      place(data);
      place(log);
      const { outputs } = await delivery.create(operation(), etcd());
      for (const name of ["etcd-1", "etcd-2"]) of(name).script("opt/bin/etcdctl", "#!/bin/bash\nexit 1\n");
      const after = etcd({ files: { "server.crt": "renewed" } });
      await delivery.update(operation(), { inputs: etcd(), outputs }, after);
      assert.equal(of("etcd-0").read("etc/corekube/secrets/server.crt"), "renewed");
    });
  });

  describe("that get files in place", () => {
    const renewed = { files: { "ca.crt": "renewed" }, address: "10.0.0.1" };
    const deliverTo = async (name: string): Promise<void> => {
      // As after a delivery that has failed: only the address says that it has served.
      const outputs = { address: renewed.address, hostKey: of(name).hostKey };
      await delivery.update(operation(), { inputs: inputs(name), outputs }, inputs(name, renewed));
    };
    const has = (name: string): boolean => of(name).read("etc/corekube/secrets/ca.crt") === "renewed";

    beforeEach(async () => {
      for (const name of names.slice(0, 4)) await delivery.create(operation(), inputs(name));
    });

    it("are restarted one after the other, whoever asks first", async () => {
      let away = 0;
      for (const name of ["etcd-0", "etcd-1"]) {
        of(name).script("on-restart", "#!/bin/bash\ntouch $FAKE_ROOT/restarted\n");
        of(name).health('[ ! -e $FAKE_ROOT/restarted ] || { sleep 1; rm "$FAKE_ROOT/restarted"; exit 1; }');
      }
      const watch = setInterval(() => {
        away = Math.max(away, ["etcd-0", "etcd-1"].filter((name) => existsSync(of(name).path("restarted"))).length);
      }, 20);
      await Promise.all([deliverTo("etcd-0"), deliverTo("etcd-1")]);
      clearInterval(watch);
      assert.equal(away, 1);
    });

    it("are not restarted while another member is down, and the one that is down comes first", async () => {
      of("etcd-1").health("echo 'etcd is not ready: connection refused'; exit 1");
      await assert.rejects(
        deliverTo("etcd-0"),
        /etcd-0: its new files are not delivered.*:\n {2}etcd-1 is not healthy: etcd is not ready: connection refused\n.*no quorum[\s\S]*pulumi up --replace '\*\*::etcd-1'/,
      );
      assert.ok(!has("etcd-0"));
      assert.deepEqual(of("etcd-0").asked, []);
      of("etcd-1").script("on-restart", "#!/bin/bash\necho 'exit 0' >$FAKE_ROOT/opt/corekube/bin/health\n");
      await Promise.all([deliverTo("etcd-0"), deliverTo("etcd-1")]);
    });

    it("are delivered to all together when none serves, also where an earlier run has failed", async () => {
      for (const name of ["etcd-0", "etcd-1", "etcd-2"]) {
        of(name).health("[ -e $FAKE_ROOT/renewed ]");
        of(name).script("on-restart", "#!/bin/bash\ntouch $FAKE_ROOT/renewed\n");
      }
      begin(names.map((name) => ({ ...planned(name), ...(name.startsWith("etcd") ? { host: undefined } : {}) })));
      await Promise.all(["etcd-0", "etcd-1", "etcd-2"].map(deliverTo));
      assert.ok(["etcd-0", "etcd-1", "etcd-2"].every(has));
    });

    it("are not restarted when they are the last API server, and are when they are the only one", async () => {
      const controllers = [planned("controller-0"), { ...planned("worker-0"), pool: "controller" }];
      begin([planned("etcd-0"), ...controllers]);
      of("worker-0").health("echo 'kube-apiserver is not running yet'; exit 1");
      await assert.rejects(deliverTo("controller-0"), /no other controller serves the API/);
      assert.ok(!has("controller-0"));
      begin([planned("etcd-0"), planned("controller-0")]);
      of("etcd-0").health("exit 1");
      await deliverTo("controller-0");
    });
  });

  it("tells workers that have joined where the API is now, once", async () => {
    const apiServer = "https://10.0.0.9:6443";
    const first = await delivery.create(operation(), inputs("controller-0", { apiServer }));
    for (const name of ["worker-0", "worker-1"]) {
      assert.equal(of(name).read("etc/corekube/secrets/cluster.env"), `API_SERVER=${apiServer}\n`);
      assert.equal(of(name).read("etc/corekube/secrets/ca.crt"), CA);
    }
    const asked = of("worker-0").asked;
    const before = { inputs: inputs("controller-0", { apiServer }), outputs: first.outputs };
    const after = inputs("controller-0", { apiServer, files: { "ca.crt": CA, other: "1" } });
    await delivery.update(operation(), before, after);
    assert.deepEqual(of("worker-0").asked, asked);
  });

  it("names a worker that does not get the API's address, delivers it to the others, and serves", async () => {
    begin(names.map((name) => (name === "worker-0" ? planned(name, NOBODY) : planned(name))));
    const run = operation();
    await delivery.create(run, inputs("controller-0", { apiServer: "https://10.0.0.9:6443" }));
    assert.match(run.warnings.join(), /worker-0: the API's new address \S+ could not be delivered/);
    assert.equal(of("worker-1").read("etc/corekube/secrets/cluster.env"), "API_SERVER=https://10.0.0.9:6443\n");
  });

  it("lets a member go that serves, and stops it, when all others are well", async () => {
    assert.equal(await remove("etcd-0"), "");
    assert.ok(stopped("etcd-0"));
  });

  it("asks through this run's bastion: the one in the state may be gone", async () => {
    const bastion = new FakeMachine("127.0.0.50");
    bastion.write("authorized_keys", of("etcd-0").read("authorized_keys"));
    await bastion.start();
    try {
      begin(undefined, `${bastion.host}:${bastion.port}`);
      assert.equal(await remove("etcd-0", { bastion: `${NOBODY}:22` }), "");
      assert.ok(stopped("etcd-0"));
    } finally {
      await bastion.remove();
    }
  });

  it("lets two machines that are gone be created again, one after the other, while both quorums hold", async () => {
    for (const name of ["etcd-0", "controller-0"]) await of(name).stop();
    begin(names.map((name) => ({ ...planned(name), ...(/-0$/.test(name) ? { host: undefined } : {}) })));
    assert.match(await remove("etcd-0"), /does not answer SSH/);
    await of("etcd-0").start();
    rolloutPlan.serves("etcd-0", { host: of("etcd-0").host, hostKey: of("etcd-0").hostKey });
    assert.equal(await remove("controller-0"), "", "no other controller ever served");
  });

  for (const [what, recorded] of [
    ["a refresh has found gone", false],
    ["only this run finds gone", true],
  ] as const) {
    it(`leaves alone whatever has the address of a machine that ${what}`, async () => {
      const hostKey = of("etcd-0").hostKey;
      await another("etcd-0");
      const others = names.slice(1).map((name) => planned(name));
      const gone = { ...planned("etcd-0"), hostKey, ...(recorded ? {} : { host: undefined }) };
      rolloutPlan.begin({ machines: [gone, ...others] });
      const run = operation();
      await delivery.delete(run, { inputs: inputs("etcd-0"), outputs: { hostKey } });
      assert.match(run.warnings.join(), /another machine answers at its address/);
      assert.deepEqual(of("etcd-0").asked, []);
    });
  }

  it("lets none go that serves while another does not, and says how to find out whether that one is gone", async () => {
    const hostKey = of("etcd-1").hostKey;
    await another("etcd-1");
    rolloutPlan.begin({
      machines: names.map((name) => ({ ...planned(name), ...(name === "etcd-1" ? { hostKey } : {}) })),
    });
    await assert.rejects(
      remove("etcd-0"),
      /etcd-0: not replaced[\s\S]*etcd-1 is not healthy: another machine answers[\s\S]*pulumi refresh/,
    );
    assert.ok(!stopped("etcd-0"));
    // The one that does not serve may go at once.
    const run = operation();
    await delivery.delete(run, { inputs: inputs("etcd-1"), outputs: { hostKey } });
  });
});
