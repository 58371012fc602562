//! What a refusal says of a body, in the words of the API and not in those of its parser.

use function::http::Problem;

/// What stands for the whole body where a field is named.
const WHOLE: &str = "body";

/// The refusal without places in the text, and with the name of a field that is missing.
pub(crate) fn plain(mut problem: Problem) -> Problem {
    match problem.code.as_str() {
        "malformed" => problem.detail = without_place(&problem.detail),
        "invalid" if !problem.errors.is_empty() => {
            let mut errors = std::mem::take(&mut problem.errors);
            for error in &mut errors {
                error.detail = without_place(&error.detail);
                if let Some(missing) = missing(&error.detail) {
                    error.field = below(&error.field, missing);
                    "is missing".clone_into(&mut error.detail);
                }
            }
            return Problem::invalid(errors);
        }
        _ => {}
    }
    problem
}

/// `serde_json` ends its words with the place in the text: " at line 1 column 42".
fn without_place(words: &str) -> String {
    let (sentence, stop) = words.strip_suffix('.').map_or((words, ""), |sentence| (sentence, "."));
    let place = sentence.rfind(" at line ").filter(|at| {
        let numbers = sentence[at + " at line ".len()..].split_once(" column ");
        numbers.is_some_and(|(line, column)| is_number(line) && is_number(column))
    });
    place.map_or_else(|| words.to_owned(), |at| format!("{}{stop}", &sentence[..at]))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The field that serde misses, in the words of `serde::de::Error::missing_field`.
fn missing(words: &str) -> Option<&str> {
    words.strip_prefix("missing field `")?.strip_suffix('`')
}

/// The path of a field of what stands at `place`.
fn below(place: &str, field: &str) -> String {
    match place.strip_suffix(WHOLE) {
        Some(above) if above.is_empty() || above.ends_with('.') => format!("{above}{field}"),
        _ => format!("{place}.{field}"),
    }
}

#[cfg(test)]
mod tests {
    use function::http::FieldError;
    use lambda_http::http::StatusCode;

    use super::*;

    #[test]
    fn a_place_in_the_text_goes_and_nothing_else() {
        for (words, plain) in [
            (
                "invalid type: integer, expected a string at line 1 column 42",
                "invalid type: integer, expected a string",
            ),
            (
                "The body is not JSON: key must be a string at line 2 column 1.",
                "The body is not JSON: key must be a string.",
            ),
            ("must be at line 1", "must be at line 1"),
            ("at line x column 3", "at line x column 3"),
            ("", ""),
        ] {
            assert_eq!(without_place(words), plain);
        }
    }

    #[test]
    fn a_missing_field_is_named_where_it_belongs() {
        for (place, field) in [
            ("body", "name"),
            ("questions.3.body", "questions.3.name"),
            ("weekly[0]", "weekly[0].name"),
            ("antibody", "antibody.name"),
        ] {
            let plain =
                plain(Problem::invalid(vec![FieldError::new(place, "missing field `name` at line 1 column 2")]));
            assert_eq!(plain.errors, [FieldError::new(field, "is missing")]);
            assert_eq!(plain.detail, format!("{field}: is missing"));
        }
    }

    #[test]
    fn another_refusal_stays_as_it_is() {
        let problem = Problem::new(StatusCode::CONFLICT, "agent.in_groups", "A member of 组 at line 1 column 2.");
        assert_eq!(plain(problem.clone()), problem);
    }
}
