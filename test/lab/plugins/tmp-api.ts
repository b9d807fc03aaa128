import { createApi } from "../../../lab/api/index.js";
import { labConfig } from "../../../lab/config.js";
import { FakeDriver } from "../../support/fakeDriver.js";
void (async () => {
  const config = labConfig({ COREKUBE_LAB: "test" });
  const driver = new FakeDriver();
  if (process.env.SLOW) driver.wait = (name) => (name === "createDroplet" ? new Promise((r) => setTimeout(r, Number(process.env.SLOW))) : Promise.resolve());
  const api = await createApi({ driver, stateFile: "/tmp/plugins/api.json", config, logger: { info: (l) => console.log(l), error: (l) => console.log("E", l) }, delays: { image: 1000, loadBalancer: 1000 } });
  await api.app.listen({ host: "127.0.0.1", port: 18080 });
  console.log("token", config.token);
})();
