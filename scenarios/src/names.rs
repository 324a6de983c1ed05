//! Names of the core's closed sets, as a file may write them.

use std::{borrow::Cow, sync::LazyLock};

use pgdrill_core::{Amendment, Hook, Shape, StatusName, ports::Call};
use pgdrill_flow::words;
use pgdrill_sim::At;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Value, json};

use crate::{charts, law::Law};

/// A closed set whose members have names.
pub trait Named: Copy + Sized + 'static {
    /// What the set is called in the schema.
    const SET: &'static str;

    /// Every name, in the set's order.
    fn names() -> &'static [&'static str];

    /// The member with this name.
    fn from_name(name: &str) -> Option<Self>;

    /// What a member means, in a sentence or a few.
    fn about(self) -> Cow<'static, str>;

    /// The set as a schema has it: every name with what it means.
    fn schema(_: &mut SchemaGenerator) -> Schema {
        let members = Self::names().iter().filter_map(|&name| Some((name, Self::from_name(name)?)));
        let members: Vec<Value> = members
            .map(|(name, member)| {
                json!({ "type": "string", "const": name, "description": member.about() })
            })
            .collect();
        json_schema!({ "oneOf": members })
    }
}

/// A member of a closed set, read by its name. An unknown name is refused with all names that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<T>(pub T);

impl<'de, T: Named> Deserialize<'de> for Name<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = T::from_name(&name);
        known.map(Self).ok_or_else(|| de::Error::unknown_variant(&name, T::names()))
    }
}

impl<T: Named> JsonSchema for Name<T> {
    fn inline_schema() -> bool {
        false
    }

    fn schema_name() -> Cow<'static, str> {
        T::SET.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

macro_rules! named {
    ($type:ty, $set:literal, $all:expr, $name:expr) => {
        impl Named for $type {
            const SET: &'static str = $set;

            fn names() -> &'static [&'static str] {
                static NAMES: LazyLock<Vec<&'static str>> =
                    LazyLock::new(|| $all.map($name).collect());
                &NAMES
            }

            fn from_name(name: &str) -> Option<Self> {
                $all.find(|member| $name(*member) == name)
            }

            fn about(self) -> Cow<'static, str> {
                let about = <$type>::about(self);
                about.into()
            }
        }
    };
}

impl Named for At {
    const SET: &'static str = "At";

    fn names() -> &'static [&'static str] {
        static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
            let call = |call: &Call| -> &'static str {
                Box::leak(At::Call(*call).to_string().into_boxed_str())
            };
            Shape::all().map(Shape::id).chain(Call::ALL.iter().map(call)).collect()
        });
        &NAMES
    }

    fn from_name(name: &str) -> Option<Self> {
        match name.strip_prefix(Self::CALL) {
            Some(call) => Call::from_name(call).map(Self::Call),
            None => Shape::from_id(name).map(Self::Shape),
        }
    }

    fn about(self) -> Cow<'static, str> {
        match self {
            Self::Shape(shape) => Shape::about(shape).into(),
            Self::Call(call) => Call::about(call).into(),
        }
    }

    /// Shapes are a set of their own, and calls what stands before their names.
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let calls = Call::ALL.iter().map(|call| Self::Call(*call).to_string()).collect::<Vec<_>>();
        json_schema!({
            "anyOf": [generator.subschema_for::<Name<Shape>>(), { "type": "string", "enum": calls }]
        })
    }
}

named!(Hook, "Hook", Hook::ALL.iter().copied(), Hook::name);
named!(Amendment, "Amendment", Amendment::ALL.iter().copied(), Amendment::name);
named!(Shape, "Shape", Shape::all(), Shape::id);
named!(StatusName, "StatusName", StatusName::ALL.iter().copied(), StatusName::name);
named!(Law, "Law", Law::ALL.iter().copied(), Law::name);
named!(OutcomeName, "Outcome", OutcomeName::ALL.iter().copied(), OutcomeName::name);
named!(Call, "Call", Call::ALL.iter().copied(), Call::name);

words! {
    /// How a firing ended, in one word.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum OutcomeName {
        /// The hook returned.
        Returned = "returned",
        /// It asked to be fired again.
        Deferred = "deferred",
        /// The action failed.
        Failed = "failed",
        /// The action has its result.
        Finished = "finished",
        /// The hook failed, or its process died.
        Error = "error",
    }
    /// The word.
    name
}

/// A shape of one chart, written `create-backup/set_active`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartShape {
    /// The chart's hook.
    pub hook: Hook,
    /// The shape.
    pub shape: Shape,
}

impl ChartShape {
    fn all() -> impl Iterator<Item = Self> {
        let charts = Hook::ALL.iter().copied();
        charts.flat_map(|hook| {
            let nodes = charts::chart(hook).map_or(&[][..], |chart| chart.nodes.as_slice());
            let shapes = nodes.iter().filter_map(|node| Shape::from_id(&node.id));
            shapes.map(move |shape| Self { hook, shape })
        })
    }
}

impl std::fmt::Display for ChartShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.hook, self.shape)
    }
}

impl Named for ChartShape {
    const SET: &'static str = "ChartShape";

    fn names() -> &'static [&'static str] {
        static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
            ChartShape::all().map(|shape| &*Box::leak(shape.to_string().into_boxed_str())).collect()
        });
        &NAMES
    }

    fn from_name(name: &str) -> Option<Self> {
        let (hook, shape) = name.split_once('/')?;
        let (hook, shape) = (hook.parse().ok()?, Shape::from_id(shape)?);
        charts::chart(hook)?.node(shape.id())?;
        Some(Self { hook, shape })
    }

    fn about(self) -> Cow<'static, str> {
        self.shape.about().into()
    }
}
