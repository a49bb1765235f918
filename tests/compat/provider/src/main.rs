//! A key-value store in memory, on the SDK that providers of 2022 were written with: what our host has to get along with.
//! Built once for each generation of the SDK; test_compat.py runs it.
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use wasmbus_rpc::common::Transport;
use wasmbus_rpc::provider::{prelude::*, ProviderTransport};
use wasmcloud_interface_keyvalue::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    provider_main(Store::default(), Some("Compat Store".to_string()))
}

#[derive(Default, Clone, Provider)]
#[services(KeyValue)]
struct Store {
    values: Arc<Mutex<HashMap<String, String>>>,
    links: Arc<Mutex<HashMap<String, LinkDefinition>>>,
}

impl ProviderDispatch for Store {}

#[async_trait]
impl ProviderHandler for Store {
    async fn put_link(&self, ld: &LinkDefinition) -> RpcResult<bool> {
        println!("put_link {} {:?}", ld.actor_id, ld.values);
        if ld.values.contains_key("deny") {
            return Ok(false);
        }
        self.links.lock().unwrap().insert(ld.actor_id.clone(), ld.clone());
        Ok(true)
    }

    async fn delete_link(&self, actor_id: &str) {
        println!("delete_link {actor_id}");
        self.links.lock().unwrap().remove(actor_id);
    }

    async fn shutdown(&self) -> Result<(), std::convert::Infallible> {
        println!("shutdown");
        Ok(())
    }
}

impl Store {
    /// Calls another linked actor, as providers that receive something do.
    async fn call(&self, actor: &str) -> RpcResult<usize> {
        let link = self.links.lock().unwrap().get(actor).cloned();
        let link = link.ok_or_else(|| RpcError::Other(format!("no link of {actor}")))?;
        let transport = ProviderTransport::new(&link, None);
        let message = Message { method: "Test.Ping", arg: std::borrow::Cow::Borrowed(b"\xa4ping") };
        Ok(transport.send(&Context::default(), message, None).await?.len())
    }
}

fn unsupported<T>() -> RpcResult<T> {
    Err(RpcError::NotImplemented)
}

#[async_trait]
impl KeyValue for Store {
    async fn increment(&self, _: &Context, arg: &IncrementRequest) -> RpcResult<i32> {
        let mut values = self.values.lock().unwrap();
        let value = values.get(&arg.key).and_then(|v| v.parse::<i32>().ok()).unwrap_or(0) + arg.value;
        values.insert(arg.key.clone(), value.to_string());
        Ok(value)
    }

    async fn contains<TS: ToString + ?Sized + Sync>(&self, _: &Context, arg: &TS) -> RpcResult<bool> {
        Ok(self.values.lock().unwrap().contains_key(&arg.to_string()))
    }

    async fn del<TS: ToString + ?Sized + Sync>(&self, _: &Context, arg: &TS) -> RpcResult<bool> {
        Ok(self.values.lock().unwrap().remove(&arg.to_string()).is_some())
    }

    /// "call M…" answers with the size of what that actor answers, "size N" with N bytes.
    async fn get<TS: ToString + ?Sized + Sync>(&self, _: &Context, arg: &TS) -> RpcResult<GetResponse> {
        let key = arg.to_string();
        if let Some(actor) = key.strip_prefix("call ") {
            return Ok(GetResponse { exists: true, value: self.call(actor).await?.to_string() });
        }
        if let Some(size) = key.strip_prefix("size ") {
            return Ok(GetResponse { exists: true, value: "x".repeat(size.parse().unwrap_or(0)) });
        }
        let value = self.values.lock().unwrap().get(&key).cloned();
        Ok(GetResponse { exists: value.is_some(), value: value.unwrap_or_default() })
    }

    async fn set(&self, _: &Context, arg: &SetRequest) -> RpcResult<()> {
        if arg.key == "exit" {
            std::process::exit(7);
        }
        self.values.lock().unwrap().insert(arg.key.clone(), arg.value.clone());
        Ok(())
    }

    async fn list_add(&self, _: &Context, _: &ListAddRequest) -> RpcResult<u32> {
        unsupported()
    }
    async fn list_clear<TS: ToString + ?Sized + Sync>(&self, _: &Context, _: &TS) -> RpcResult<bool> {
        unsupported()
    }
    async fn list_del(&self, _: &Context, _: &ListDelRequest) -> RpcResult<bool> {
        unsupported()
    }
    async fn list_range(&self, _: &Context, _: &ListRangeRequest) -> RpcResult<StringList> {
        unsupported()
    }
    async fn set_add(&self, _: &Context, _: &SetAddRequest) -> RpcResult<u32> {
        unsupported()
    }
    async fn set_del(&self, _: &Context, _: &SetDelRequest) -> RpcResult<u32> {
        unsupported()
    }
    async fn set_intersection(&self, _: &Context, _: &StringList) -> RpcResult<StringList> {
        unsupported()
    }
    async fn set_query<TS: ToString + ?Sized + Sync>(&self, _: &Context, _: &TS) -> RpcResult<StringList> {
        unsupported()
    }
    async fn set_union(&self, _: &Context, _: &StringList) -> RpcResult<StringList> {
        unsupported()
    }
    async fn set_clear<TS: ToString + ?Sized + Sync>(&self, _: &Context, _: &TS) -> RpcResult<bool> {
        unsupported()
    }
}
