// What the farm answers to a question, for as long as somebody looks at it.
import { useEffect, useState } from "../vendor/preact-hooks.js";

/**
 * The last answer, null before the first, and what went wrong since, "" for nothing. Asked anew whenever one of `about`
 * changes, and every `againMs` where that is given.
 */
export function useAnswer(ask, about, againMs = 0) {
  const [answer, setAnswer] = useState(null);
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    let gone = false;
    const take = (found, problem) => {
      if (gone) return;
      if (found) setAnswer(found);
      setWrong(problem);
    };
    const look = () => ask().then((found) => take(found, ""), (problem) => take(null, problem.message));
    look();
    const timer = againMs ? setInterval(look, againMs) : 0;
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, about);
  return [answer, wrong];
}
