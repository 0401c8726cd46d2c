-- Tables that steps write to (the models of transforms/ are created by the SQL runner). One statement each, run at
-- every start; additions here are additive. Units and meaning: comments.yml beside this file and the model files.
create schema if not exists core;
create schema if not exists staging;
create schema if not exists config;
create schema if not exists metrics;
create schema if not exists evaluation;
create schema if not exists ops;
create schema if not exists kept;

create table if not exists config.rollout (
    rollout_id varchar primary key, name varchar, base_currency varchar, approved_on date);
create table if not exists config.rollout_wave (
    wave_id varchar, rollout_id varchar, scope_type varchar, scope_value varchar,
    go_live_date date, learning_days integer, is_control boolean,
    primary key (rollout_id, wave_id, scope_value));
create table if not exists config.team (
    team_id varchar primary key, name varchar, region varchar, segment varchar);
create table if not exists config.goal_target (
    goal_id varchar primary key, rollout_id varchar, goal_family varchar, kpi_id varchar, statement varchar,
    target_change_rel double, target_date date, min_important_change double, weight double);
create table if not exists config.cost_item (
    cost_id varchar primary key, rollout_id varchar, category varchar, period_start date, period_end date,
    amount_native decimal(38, 2), currency_code varchar, amount_base decimal(38, 2), hours double,
    hourly_rate_base double, is_incremental boolean, is_one_off boolean, certainty varchar, source_ref varchar);
create table if not exists config.benefit_item (
    benefit_id varchar primary key, rollout_id varchar, kpi_id varchar, mechanism varchar, unit_value_base double,
    attribution_low double, attribution_mode double, attribution_high double, risk_adjustment double,
    evidence varchar);
create table if not exists config.licence_seat (
    rollout_id varchar, source_id varchar, valid_from date, valid_to date, seats_purchased integer);
create table if not exists config.quota (
    owner_id varchar, team_id varchar, period_start date, period_end date, quota_base decimal(38, 2));
create table if not exists config.forecast_submission (
    team_id varchar, period_start date, period_end date, submitted_at timestamptz, basis varchar,
    forecast_base decimal(38, 2));
create table if not exists config.benchmark (
    benchmark_id varchar primary key, kpi_id varchar, definition_match varchar, industry varchar, region varchar,
    company_size varchar, sales_motion varchar, statistic varchar, value_low double, value double, value_high double,
    unit varchar, sample_n bigint, period_from date, period_to date, publisher varchar, is_vendor boolean,
    source_url varchar, retrieved_on date, quality_grade varchar, expires_on date, note varchar);
create table if not exists config.legacy_kpi_period (
    kpi_id varchar, period_start date, period_end date, segment_key varchar, numerator double, denominator double,
    value double, n bigint, definition_note varchar, comparability varchar, evidence_ref varchar,
    primary key (kpi_id, period_start, period_end, segment_key));
create table if not exists config.crm_product (
    product_id varchar primary key, name varchar, vendor varchar, edition varchar, priced_on date,
    tco_3y_base decimal(38, 2), switch_cost_base decimal(38, 2));
create table if not exists config.crm_criterion (
    criterion_id varchar primary key, parent_id varchar, name_en varchar, name_uk varchar, weight double,
    weight_low double, weight_high double, is_must_have boolean, scale_min double, scale_max double);
create table if not exists config.crm_score (
    product_id varchar, criterion_id varchar, rater varchar, score double, evidence_kind varchar,
    evidence_url varchar, scored_on date, primary key (product_id, criterion_id, rater));
create table if not exists config.setting (name varchar primary key, value varchar);

create table if not exists core.opportunity_snapshot (
    snapshot_date date, opportunity_id varchar, source_id varchar, status varchar, stage_key varchar,
    amount_base decimal(38, 2), probability double, forecast_category varchar, expected_close_date date,
    owner_id varchar, team_id varchar);

create table if not exists kept.user_team (
    user_id varchar, team_id varchar, seen_at timestamptz, primary key (user_id, seen_at));
create table if not exists kept.user_day (
    user_id varchar, activity_date date, is_logged_in boolean, ui_login_count integer, records_created integer,
    records_updated integer, activities_logged integer, core_actions integer);

create table if not exists metrics.kpi (
    kpi_id varchar primary key, name_en varchar, name_uk varchar, question_en varchar, question_uk varchar,
    family varchar, unit varchar, direction varchar, stat_type varchar, formula varchar, guard_kpi_id varchar,
    horizon_days double, min_n integer, min_important_change double, owner varchar, sources varchar[],
    definition_version varchar, factors varchar[]);
alter table metrics.kpi add column if not exists factors varchar[];
alter table metrics.kpi add column if not exists min_cell integer;
alter table metrics.kpi add column if not exists is_input boolean;
alter table metrics.kpi add column if not exists is_exact boolean;
alter table metrics.kpi add column if not exists survey varchar;
alter table metrics.kpi add column if not exists no_effect varchar;
alter table metrics.kpi add column if not exists parameters json;
alter table metrics.kpi add column if not exists sql varchar;
alter table metrics.kpi add column if not exists complete_until timestamptz;
create table if not exists metrics.kpi_definition (
    kpi_id varchar, definition_version varchar, stat_type varchar, formula varchar, parameters json, sql varchar,
    first_used_at timestamptz, last_used_at timestamptz, primary key (kpi_id, definition_version));
create table if not exists metrics.kpi_unit (
    kpi_id varchar, unit_id varchar, event_at timestamptz, owner_id varchar, team_id varchar, source_id varchar,
    num double, den double, observed boolean, segment_set integer);
alter table metrics.kpi_unit drop column if exists segments;
alter table metrics.kpi_unit add column if not exists segment_set integer;
create table if not exists metrics.kpi_segment_set (
    kpi_id varchar, segment_set integer, segments map(varchar, varchar));
drop table if exists metrics.kpi_duration;
create table if not exists metrics.kpi_value (
    kpi_id varchar, period_grain varchar, period_start date, period_end date, segment_dim varchar,
    segment_value varchar, source_id varchar, numerator double, denominator double, n bigint, n_censored bigint,
    value double, ci_low double, ci_high double, status varchar, is_mature boolean, mature_after date,
    data_origin varchar, definition_version varchar, run_id varchar, computed_at timestamptz,
    primary key (kpi_id, period_grain, period_start, segment_dim, segment_value, source_id));
alter table metrics.kpi_value add column if not exists reason varchar;
create table if not exists metrics.kpi_value_superseded (
    kpi_id varchar, period_grain varchar, period_start date, period_end date, segment_dim varchar,
    segment_value varchar, source_id varchar, numerator double, denominator double, n bigint, n_censored bigint,
    value double, ci_low double, ci_high double, status varchar, reason varchar, is_mature boolean, mature_after date,
    data_origin varchar, definition_version varchar, run_id varchar, computed_at timestamptz, superseded_at timestamptz);

create table if not exists evaluation.kpi_effect (
    rollout_id varchar, wave_id varchar, kpi_id varchar, segment_dim varchar, segment_value varchar, as_of date,
    look varchar, method varchar, pre_start date, pre_end date, post_start date, post_end date, n_pre bigint,
    n_post bigint, pre_value double, post_value double, counterfactual_value double, effect double,
    effect_ci_low double, effect_ci_high double, effect_rel double, effect_rel_ci_low double,
    effect_rel_ci_high double, p_value double, q_value double, min_important_change double, mde80 double,
    verdict varchar, reason varchar, caveats varchar[], diagnostics json, definition_version varchar, run_id varchar,
    computed_at timestamptz,
    primary key (rollout_id, wave_id, kpi_id, segment_dim, segment_value, as_of, look, definition_version));
alter table evaluation.kpi_effect add column if not exists data_origin varchar;
alter table evaluation.kpi_effect add column if not exists design_version varchar;
create table if not exists evaluation.kpi_effect_superseded as from evaluation.kpi_effect limit 0;
alter table evaluation.kpi_effect_superseded add column if not exists superseded_because varchar;
alter table evaluation.kpi_effect_superseded add column if not exists superseded_at timestamptz;

create table if not exists ops.run (
    run_id varchar, step varchar, source_id varchar, object varchar, started_at timestamptz,
    finished_at timestamptz, state varchar, rows_in bigint, rows_out bigint, rows_rejected bigint,
    high_watermark timestamptz, api_calls bigint, error varchar,
    primary key (run_id, step, source_id, object));
create table if not exists ops.load (
    manifest varchar primary key, source_id varchar, stream varchar, table_name varchar, run_id varchar,
    window_since timestamptz, window_until timestamptz, rows_read bigint, rows_inserted bigint,
    rows_updated bigint, rows_unchanged bigint, rows_deleted bigint, rows_rejected bigint, rows_in_table bigint,
    rows_in_source bigint, is_reconciled boolean, schema_hash varchar, loaded_at timestamptz);
create table if not exists ops.cursor (
    source_id varchar, stream varchar, read_until timestamptz, updated_at timestamptz,
    primary key (source_id, stream));
alter table ops.cursor add column if not exists bookmark json;
alter table ops.load add column if not exists rows_repeated bigint;
create table if not exists ops.rejected_row (
    source_id varchar, stream varchar, record_id varchar, field varchar, source_type varchar, reason varchar,
    manifest varchar, run_id varchar, rejected_at timestamptz);
alter table ops.rejected_row add column if not exists is_withdrawn boolean;
alter table ops.rejected_row add column if not exists settled_at timestamptz;
create table if not exists ops.misfit_value (
    source_id varchar, stream varchar, table_name varchar, record_id varchar, field varchar, source_type varchar,
    manifest varchar, run_id varchar, found_at timestamptz);
create table if not exists ops.repeated_key (
    source_id varchar, stream varchar, record_id varchar, row_count bigint, taken varchar, manifest varchar,
    run_id varchar, found_at timestamptz);
create table if not exists ops.data_quality_finding (
    finding_id varchar primary key, rule_id varchar, severity varchar, object varchar, field varchar,
    source_id varchar, failing_rows bigint, total_rows bigint, fail_pct double, sample_ids varchar[],
    affected_kpis varchar[], message varchar, first_seen_at timestamptz, last_seen_at timestamptz, state varchar,
    run_id varchar);
create table if not exists ops.alert (
    alert_id varchar primary key, kpi_id varchar, rule_id varchar, severity varchar, segment_dim varchar,
    segment_value varchar, period_start date, observed double, expected double, threshold double, n bigint,
    p_value double, reason varchar, top_contributor varchar, dq_blocked boolean, state varchar,
    fired_at timestamptz, acked_by varchar, resolved_at timestamptz, dedupe_key varchar, run_id varchar);
create table if not exists ops.outbox (
    message_id varchar primary key, alert_id varchar, channel varchar, subject varchar, body varchar,
    created_at timestamptz, sent_at timestamptz, attempts integer, last_error varchar, run_id varchar);
