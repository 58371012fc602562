// The profiles of visitors that are shown, and changes of them.
import { defineStore } from "pinia";
import { shallowReactive } from "vue";
import type { Refusal } from "@/api/client";
import type { Conversation, Visitor, VisitorChange } from "@/api/types";
import { changeVisitor, readVisitor } from "@/api/visitors";
import { t } from "@/app/i18n";
import { words } from "@/app/problems";
import { say } from "./toasts";
import { useLists } from "./lists";
import { useSync } from "./sync";

/** How many profiles stay in memory; the least recently read go first. */
const KEPT = 50;

type Of = Pick<Conversation, "uid" | "app_id" | "openid">;

export const useVisitors = defineStore("visitors", () => {
  const [sync, lists] = [useSync(), useLists()];
  const visitors = shallowReactive(new Map<string, Visitor>());
  const refusals = shallowReactive(new Map<string, Refusal>());

  function take(visitor: Visitor): void {
    visitors.delete(visitor.uid);
    visitors.set(visitor.uid, visitor);
    for (const old of [...visitors.keys()].slice(0, -KEPT)) visitors.delete(old);
  }

  async function load(of: Of): Promise<void> {
    const answer = await readVisitor(of);
    if (answer.ok) {
      refusals.delete(of.uid);
      take(answer.data);
    } else refusals.set(of.uid, answer.refusal);
  }

  /** Changes a visitor. The lists learn of it with the next look. */
  async function change(of: Of, what: VisitorChange): Promise<Refusal | null> {
    const answer = await changeVisitor(of, what);
    if (!answer.ok) return answer.refusal;
    take(answer.data);
    lists.mark(answer.data);
    sync.lookSoon();
    return null;
  }

  /** Stars a visitor, or takes the star away. */
  async function toggleStar(of: Of & Pick<Conversation, "visitor">): Promise<void> {
    const starred = !of.visitor.starred;
    const refusal = await change(of, { starred });
    say(refusal ? "alert" : "status", refusal ? words(refusal) : t(starred ? "marks.starred" : "marks.unstarred"));
  }

  return { toggleStar, visitors, refusals, load, change };
});
