/** `corekube dashboard`: a tunnel to the dashboard, and how to sign in. */
import { dashboardNamespace, dashboardPort, viewer } from "../../components/addons/dashboard.js";
import { print, say } from "../output.js";
import { type Forwarding, forwardPort, NoPod } from "../portForward.js";
import { badUsage, exitCodes, type ExitCode, refuse } from "../problem.js";
import { Stack, type StackOptions } from "../stack.js";

export interface DashboardOptions extends StackOptions {
  readonly port: string;
}

const target = { namespace: dashboardNamespace, selector: "k8s-app=headlamp", port: dashboardPort };

export async function dashboard(options: DashboardOptions): Promise<ExitCode> {
  const port = portOf(options.port);
  const stack = new Stack(options);
  const kubeconfig = await stack.kubeconfig();
  const tunnel = await open(kubeconfig, port, stack);
  print(`http://127.0.0.1:${tunnel.port}`);
  say(
    `Sign in with a token, such as one for an account that reads everything but Secrets, valid for 8 hours:
  kubectl --namespace ${dashboardNamespace} create token ${viewer} --duration 8h
What you may do in the dashboard is what the token's account may. Ctrl-C ends the tunnel.`,
  );
  await interrupted();
  tunnel.close();
  return exitCodes.ok;
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw badUsage({
    path: "--port",
    got: text,
    allowed: "a port from 1 to 65535, or 0 for any free one",
    run: "corekube dashboard --port 0",
  });
}

async function open(kubeconfig: string, port: number, stack: Stack): Promise<Forwarding> {
  try {
    return await forwardPort(kubeconfig, target, port, (problem) => say(`the dashboard did not answer: ${problem}`));
  } catch (error) {
    if (error instanceof NoPod)
      throw refuse({
        path: "dashboard",
        got: error.message,
        allowed: "a cluster with corekube:addons.dashboard.enabled true",
        run: `pulumi config set --path addons.dashboard.enabled true${stack.flags} && pulumi up${stack.flags}`,
      });
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE")
      throw refuse({
        path: "--port",
        got: `${port}, which another program uses`,
        allowed: "a free port, or 0 for any",
        run: `corekube dashboard --port 0${stack.flags}`,
      });
    throw error;
  }
}

const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
