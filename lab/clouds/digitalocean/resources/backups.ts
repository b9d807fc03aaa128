/** Backup policies of droplets. A policy is kept and shown; the lab takes no backups. */
import type { FastifyInstance } from "fastify";
import { type Context, requireDroplet } from "../context.js";
import { listOf } from "../paging.js";
import type { BackupPolicy, DropletRecord } from "../state.js";
import { numericId } from "../validation.js";
import { backupWindow } from "../views.js";

const hours = [0, 4, 8, 12, 16, 20];
const retentionDays = { daily: 7, weekly: 28 } as const;

export function backupRoutes(app: FastifyInstance, context: Context): void {
  app.get("/v2/droplets/backups/supported_policies", () => ({
    supported_policies: [
      {
        name: "weekly",
        possible_window_starts: hours,
        window_length_hours: 4,
        retention_period_days: 28,
        possible_days: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
      },
      {
        name: "daily",
        possible_window_starts: hours,
        window_length_hours: 4,
        retention_period_days: 7,
        possible_days: [],
      },
    ],
  }));

  app.get("/v2/droplets/backups/policies", (request) => {
    const page = listOf(
      request,
      "policies",
      context.state.droplets.filter((droplet) => droplet.backups),
      (droplet) => droplet,
    );
    return {
      ...page,
      policies: Object.fromEntries(page.policies.map((droplet) => [String(droplet.id), policyView(droplet)])),
    };
  });

  app.get<{ Params: { droplet: string } }>("/v2/droplets/:droplet/backups/policy", (request) => ({
    policy: policyView(requireDroplet(context, numericId(request.params.droplet))),
  }));
}

const shown = (policy: BackupPolicy) => ({
  plan: policy.plan,
  ...(policy.plan === "weekly" ? { weekday: policy.weekday } : {}),
  hour: policy.hour,
  window_length_hours: 4,
  retention_period_days: retentionDays[policy.plan],
});

const policyView = (droplet: DropletRecord) =>
  droplet.backups
    ? {
        droplet_id: droplet.id,
        backup_enabled: true,
        backup_policy: shown(droplet.backups),
        next_backup_window: backupWindow(droplet.backups),
      }
    : { droplet_id: droplet.id, backup_enabled: false };
