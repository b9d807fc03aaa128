/** A Join to a real API, over real SSH. */
import type { Join } from "../../../provider/resources/join.js";
import type { Properties } from "../../../provider/rpc/properties.js";
import { START_TIMEOUT, TestApi } from "./api.js";
import { checked } from "./operation.js";
import { FakeMachine } from "./sshd.js";

export interface JoiningMachine {
  /** Started before all tests of the suite; without Nodes before each. */
  readonly api: TestApi;
  /** Another one for each test. */
  readonly machine: FakeMachine;
  /** Of the machine, as worker-0; `given` replace them. */
  inputs(given?: Properties): Properties;
}

/** For the suite that calls this. @param join whose inputs are made. */
export function joiningMachine(join: Join, defaults: Properties): JoiningMachine {
  let api: TestApi | undefined;
  let machine: FakeMachine | undefined;
  before(async function () {
    this.timeout(START_TIMEOUT);
    api = await TestApi.start();
  });
  after(() => api?.stop());
  beforeEach(async () => {
    machine = new FakeMachine();
    await machine.start();
  });
  afterEach(async () => {
    await machine?.remove();
    await api?.deleteNodes();
  });
  return {
    get api() {
      return api!;
    },
    get machine() {
      return machine!;
    },
    inputs: (given = {}) =>
      checked(join, {
        machine: "worker-0",
        machineId: "9",
        host: "127.0.0.1",
        port: machine!.port,
        nodeName: "worker-0",
        server: "https://10.0.0.1:6443",
        ...defaults,
        ...given,
      }),
  };
}
