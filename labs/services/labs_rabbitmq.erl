%% What is ours in a node of RabbitMQ: where the others are, and who joins whom.
%%
%% 1. Erlang's nodes ask a daemon, epmd, for each other's ports. It would be shared with whatever
%%    else on this machine is written in Erlang, and outlive us. The table of ports stands on each
%%    node's command line instead (kernel's `-epmd_module`): -labs_ports rabbit-1=19101,...
%% 2. Node 1 founds the cluster, the others join it one after another (RabbitMQ's peer discovery).
%%    RabbitMQ's own discovery makes them wait for a lock, for up to 8 s at a time.
-module(labs_rabbitmq).

-export([start_link/0, register_node/2, register_node/3, port_please/2, port_please/3,
         address_please/3, listen_port_please/2, names/0, names/1]).
-export([init/0, list_nodes/0, supports_registration/0, register/0, unregister/0,
         post_registration/0, lock/1, unlock/1]).

-define(LOOPBACK, {127, 0, 0, 1}).
-define(FIRST, 'rabbit-1@localhost').
%% Erlang/OTP 23 and later speak this version of the distribution protocol.
-define(DISTRIBUTION, 6).
-define(RETRY_MS, 50).

%% -- in place of epmd ---------------------------------------------------------------------

start_link() -> ignore.

register_node(Name, Port) -> register_node(Name, Port, inet).

%% What tells two lives of a node from each other.
register_node(_Name, _Port, _Family) -> {ok, erlang:system_time(second) rem 65535 + 1}.

port_please(Name, Host) -> port_please(Name, Host, infinity).

port_please(Name, _Host, _Timeout) ->
    case port_of(Name) of
        none -> noport;
        Port -> {port, Port, ?DISTRIBUTION}
    end.

address_please(Name, _Host, _Family) ->
    case port_of(Name) of
        none -> {error, nxdomain};
        Port -> {ok, ?LOOPBACK, Port, ?DISTRIBUTION}
    end.

listen_port_please(Name, _Host) ->
    case port_of(Name) of
        none -> {ok, 0};
        Port -> {ok, Port}
    end.

names() -> names(localhost).

names(_Host) -> {ok, ports()}.

port_of(Name) when is_atom(Name) -> port_of(atom_to_list(Name));
port_of(Name) -> proplists:get_value(Name, ports(), none).

ports() ->
    {ok, [[Table]]} = init:get_argument(labs_ports),
    [begin
         [Name, Port] = string:split(Entry, "="),
         {Name, list_to_integer(Port)}
     end || Entry <- string:split(Table, ",", all)].

%% -- who joins whom -----------------------------------------------------------------------

init() -> ok.

%% From a list RabbitMQ 4 (and 3.13) takes none unless this node is in it, too, and would compare
%% the nodes' ages. What is one node, and no list, is chosen already.
list_nodes() ->
    Chosen = node() =/= ?FIRST
        andalso erlang:function_exported(rabbit_peer_discovery, sync_desired_cluster, 0),
    {ok, {if Chosen -> ?FIRST; true -> [?FIRST] end, disc}}.

supports_registration() -> false.

register() -> ok.

unregister() -> ok.

post_registration() -> ok.

%% RabbitMQ 3 says who asks, RabbitMQ 4 which nodes there are.
lock(_) -> lock().

lock() when node() =:= ?FIRST -> {ok, founder};
lock() ->
    Lock = {labs_joining, node()},
    %% Before it runs, it may still be making the tables that are to be copied.
    case rpc:call(?FIRST, rabbit, is_running, []) =:= true
        andalso global:set_lock(Lock, [?FIRST], 0) of
        true -> {ok, Lock};
        false -> timer:sleep(?RETRY_MS), lock()
    end.

unlock(founder) -> ok;
unlock(Lock) -> global:del_lock(Lock, [?FIRST]), ok.
