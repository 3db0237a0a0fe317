//! A message as serde writes it down: short, and legible where it is text. `[["t","status"],["st","up"]]`; what is
//! no text has a letter that says what it is: `["srcuuid",{"b":"AAEC…"}]`.

use super::message::{Field, Message, Value};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Other(Other),
}

#[derive(Serialize, Deserialize)]
enum Other {
    /// Text that is no UTF-8, in base64 as all bytes here.
    #[serde(rename = "t")]
    Text(String),
    #[serde(rename = "b")]
    Binary(String),
    #[serde(rename = "s")]
    Struct(Message),
    #[serde(rename = "l")]
    List(Vec<String>),
    #[serde(rename = "c")]
    Compressed(String),
    #[serde(rename = "u")]
    Uncompressed(Message),
}

fn encoded(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

fn decoded(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    BASE64_STANDARD.decode(text)
}

fn text(bytes: &[u8]) -> Written {
    match std::str::from_utf8(bytes) {
        Ok(text) => Written::Text(text.to_owned()),
        Err(_) => Written::Other(Other::Text(encoded(bytes))),
    }
}

fn written(value: &Value) -> Written {
    Written::Other(match value {
        Value::Text(bytes) => return text(bytes),
        Value::Binary(bytes) => Other::Binary(encoded(bytes)),
        Value::Struct(message) => Other::Struct(message.clone()),
        Value::List(list) => Other::List(list.iter().map(|bytes| encoded(bytes)).collect()),
        Value::Compressed(bytes) => Other::Compressed(encoded(bytes)),
        Value::Uncompressed(message) => Other::Uncompressed(message.clone()),
    })
}

fn value(written: Written) -> Result<Value, base64::DecodeError> {
    Ok(match written {
        Written::Text(text) => Value::Text(text.into_bytes()),
        Written::Other(Other::Text(text)) => Value::Text(decoded(&text)?),
        Written::Other(Other::Binary(text)) => Value::Binary(decoded(&text)?),
        Written::Other(Other::Struct(message)) => Value::Struct(message),
        Written::Other(Other::List(list)) => {
            Value::List(list.iter().map(|text| decoded(text)).collect::<Result<_, _>>()?)
        }
        Written::Other(Other::Compressed(text)) => Value::Compressed(decoded(&text)?),
        Written::Other(Other::Uncompressed(message)) => Value::Uncompressed(message),
    })
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (text(&self.name), written(&self.value)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, content) = <(Written, Written)>::deserialize(deserializer)?;
        match (value(name).map_err(D::Error::custom)?, value(content).map_err(D::Error::custom)?) {
            (Value::Text(name), value) => Ok(Self { name: name.as_slice().into(), value }),
            _ => Err(D::Error::custom("the name of a field is text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_field_comes_back() {
        let inner = Message::of("inner").with("empty", "");
        let mut message = Message::of("status").with("st", "up \"quoted\" \u{e9}");
        message.push("no text", Value::Text(vec![0xff, b'x']));
        message.push("srcuuid", Value::Binary(vec![0, 1, 2]));
        message.push("struct", Value::Struct(inner.clone()));
        message.push("list", Value::List(vec![b"a".to_vec(), vec![0xff]]));
        message.push("compressed", Value::Compressed(vec![9; 5]));
        message.push("uncompressed", Value::Uncompressed(inner));
        message.push_raw(&[0xfe], Value::Text(Vec::new()));
        let text = serde_json::to_string(&message).unwrap();
        assert!(
            text.starts_with(r#"[["t","status"],["st","up \"quoted\" é"],["no text",{"t":"/3g="}]"#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [r#"[["t"]]"#, r#"[["t",{"b":"*"}]]"#, r#"[[{"b":""},"x"]]"#, r#"[["t",{"z":""}]]"#] {
            assert!(serde_json::from_str::<Message>(text).is_err(), "{text}");
        }
    }
}
