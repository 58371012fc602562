// Who is there: the caller, agents and groups, by name.
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { heartbeat, readAgents, readGroups, readMe, setStatus } from "@/api/calls";
import type { Answer } from "@/api/client";
import type { Agent, AgentStatus, Duty, Group, Me } from "@/api/types";

export const useStaff = defineStore("staff", () => {
  const me = shallowRef<Me | null>(null);
  const agents = shallowRef<Agent[]>([]);
  const groups = shallowRef<Group[]>([]);
  const namesAt = ref(0);

  const duty = computed<Duty | null>(() => me.value?.duty ?? null);

  async function loadMe(): Promise<Answer<Me>> {
    const answer = await readMe();
    if (answer.ok) me.value = answer.data;
    return answer;
  }

  /** Reads agents and groups, at most each minute unless it has to be now. */
  async function loadNames(now = false): Promise<void> {
    if (!now && Date.now() - namesAt.value < 60_000) return;
    namesAt.value = Date.now();
    const [people, sets] = await Promise.all([readAgents(), readGroups()]);
    if (people.ok) agents.value = people.data;
    if (sets.ok) groups.value = sets.data;
  }

  async function changeStatus(status: AgentStatus, reason?: string): Promise<Answer<Duty>> {
    const answer = await setStatus(status, reason);
    if (answer.ok && me.value) {
      me.value = { ...me.value, duty: answer.data };
      // The first status of a token gives it an agent.
      if (!me.value.agent_id) await loadMe();
    }
    return answer;
  }

  /** Keeps the agent present. An agent who counts as gone is offline now. */
  async function beat(): Promise<void> {
    if (!me.value?.agent_id || !duty.value || duty.value.status === "offline") return;
    const answer = await heartbeat();
    if (!answer.ok && answer.refusal.code === "agent.offline") await loadMe();
  }

  function agentName(id: string | null | undefined): string {
    return agents.value.find((agent) => agent.id === id)?.name ?? id ?? "";
  }

  function groupName(id: string | null | undefined): string {
    return groups.value.find((group) => group.id === id)?.name ?? id ?? "";
  }

  return { me, agents, groups, duty, loadMe, loadNames, changeStatus, beat, agentName, groupName };
});
