// Enter while an input method composes chooses a candidate; it must not send. Pure, but for its own memory.

/** Safari ends the composition before it tells of the Enter that ended it. */
const AFTER_COMPOSITION = 100;

/** Tells whether a key belongs to an input method. One for each input. */
export class CompositionGuard {
  private ended = Number.NEGATIVE_INFINITY;

  compositionEnded(at: number): void {
    this.ended = at;
  }

  isComposing(event: { isComposing: boolean; keyCode: number; timeStamp: number }): boolean {
    return event.isComposing || event.keyCode === 229 || event.timeStamp - this.ended < AFTER_COMPOSITION;
  }
}
