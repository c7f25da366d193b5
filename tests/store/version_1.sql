BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE mixnas_architectures (
	digest VARCHAR(64) NOT NULL, 
	family VARCHAR(100) NOT NULL, 
	axes JSON NOT NULL, 
	first_seen VARCHAR(32) NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "mixnas_architectures" VALUES('31f92dd2410ddddf','splitmixer','{"width": 8, "depth": 6, "patch_size": 2, "kernel_size": 3, "activation": "gelu", "norm": "layer", "spatial": "depthwise", "channel": "dense"}','2026-11-24T08:27:12.704+00:00');
INSERT INTO "mixnas_architectures" VALUES('5cdd92a8892795b0','splitmixer','{"width": 48, "depth": 2, "patch_size": 2, "kernel_size": 5, "activation": "silu", "norm": "batch", "spatial": "depthwise", "channel": "dense"}','2026-11-24T08:27:12.956+00:00');
INSERT INTO "mixnas_architectures" VALUES('526e6ff244622008','splitmixer','{"width": 12, "depth": 6, "patch_size": 1, "kernel_size": 7, "activation": "relu", "norm": "batch", "spatial": "depthwise", "channel": "disjoint", "channel.segments": 2, "channel.mixes": "one", "channel.shared": false, "channel.operator": "pointwise"}','2026-11-24T08:27:13.163+00:00');
INSERT INTO "mixnas_architectures" VALUES('8a06458522d9a6fa','splitmixer','{"width": 24, "depth": 2, "patch_size": 1, "kernel_size": 3, "activation": "relu", "norm": "batch", "spatial": "separable", "channel": "dense"}','2026-11-24T08:27:13.357+00:00');
CREATE TABLE mixnas_attempts (
	study VARCHAR(200) NOT NULL, 
	trial INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	owner VARCHAR(200) NOT NULL, 
	lease_until VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	reason VARCHAR(50) NOT NULL, 
	detail TEXT NOT NULL, 
	traceback TEXT NOT NULL, 
	device VARCHAR(200) NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	finished_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (study, trial, attempt), 
	FOREIGN KEY(study, trial) REFERENCES mixnas_trials (study, number) ON DELETE CASCADE ON UPDATE CASCADE
);
INSERT INTO "mixnas_attempts" VALUES('old',0,1,'vm:30779','','finished','','','','cpu','2026-11-24T08:27:12.716+00:00','2026-11-24T08:27:12.756+00:00');
INSERT INTO "mixnas_attempts" VALUES('old',1,1,'vm:30779','','finished','','','','cpu','2026-11-24T08:27:12.957+00:00','2026-11-24T08:27:12.974+00:00');
INSERT INTO "mixnas_attempts" VALUES('old',2,1,'vm:30779','','finished','','','','cpu','2026-11-24T08:27:13.164+00:00','2026-11-24T08:27:13.205+00:00');
INSERT INTO "mixnas_attempts" VALUES('old',3,1,'vm:30779','','finished','','','','cpu','2026-11-24T08:27:13.366+00:00','2026-11-24T08:27:13.387+00:00');
CREATE TABLE mixnas_baselines (
	study VARCHAR(200) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	family VARCHAR(100) NOT NULL, 
	axes JSON NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	"values" JSON NOT NULL, 
	epochs INTEGER NOT NULL, 
	seed INTEGER NOT NULL, 
	curve JSON NOT NULL, 
	reason VARCHAR(50) NOT NULL, 
	detail TEXT NOT NULL, 
	seconds DOUBLE, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (study, name), 
	FOREIGN KEY(study) REFERENCES mixnas_studies (name) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE mixnas_costs (
	digest VARCHAR(64) NOT NULL, 
	problem VARCHAR(100) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	value DOUBLE, 
	PRIMARY KEY (digest, problem, name), 
	FOREIGN KEY(digest) REFERENCES mixnas_architectures (digest)
);
INSERT INTO "mixnas_costs" VALUES('31f92dd2410ddddf','classification-1x8x8-10','params',1250.0);
INSERT INTO "mixnas_costs" VALUES('31f92dd2410ddddf','classification-1x8x8-10','macs',22096.0);
INSERT INTO "mixnas_costs" VALUES('5cdd92a8892795b0','classification-1x8x8-10','params',8410.0);
INSERT INTO "mixnas_costs" VALUES('5cdd92a8892795b0','classification-1x8x8-10','macs',124128.0);
INSERT INTO "mixnas_costs" VALUES('526e6ff244622008','classification-1x8x8-10','params',4318.0);
INSERT INTO "mixnas_costs" VALUES('526e6ff244622008','classification-1x8x8-10','macs',261240.0);
INSERT INTO "mixnas_costs" VALUES('8a06458522d9a6fa','classification-1x8x8-10','params',2218.0);
INSERT INTO "mixnas_costs" VALUES('8a06458522d9a6fa','classification-1x8x8-10','macs',116976.0);
CREATE TABLE mixnas_curves (
	study VARCHAR(200) NOT NULL, 
	trial INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	train_loss DOUBLE, 
	metrics JSON NOT NULL, 
	seconds DOUBLE, 
	PRIMARY KEY (study, trial, epoch), 
	FOREIGN KEY(study, trial) REFERENCES mixnas_trials (study, number) ON DELETE CASCADE ON UPDATE CASCADE
);
INSERT INTO "mixnas_curves" VALUES('old',0,1,1,1.14299212138145356298e+00,'{"acc": 0.3188635146924506, "error": 0.6811364853075494}',4.79471752847077936632e-02);
INSERT INTO "mixnas_curves" VALUES('old',0,2,1,7.87892837644783794459e-01,'{"acc": 0.45480212822382965, "error": 0.5451978717761703}',4.79471752847077936632e-02);
INSERT INTO "mixnas_curves" VALUES('old',1,1,1,1.14420043870411225483e+00,'{"acc": 0.31847845906562533, "error": 0.6815215409343747}',0.0944250234424553);
INSERT INTO "mixnas_curves" VALUES('old',1,2,1,0.75683484223857,'{"acc": 0.4691490100980669, "error": 0.5308509899019331}',0.0944250234424553);
INSERT INTO "mixnas_curves" VALUES('old',2,1,1,1.14463497425448967881e+00,'{"acc": 0.3183400989165108, "error": 0.6816599010834892}',0.0704166525599001);
INSERT INTO "mixnas_curves" VALUES('old',2,2,1,7.6672867710304148936e-01,'{"acc": 0.46453021374650166, "error": 0.5354697862534983}',0.0704166525599001);
INSERT INTO "mixnas_curves" VALUES('old',3,1,1,1.13757829328433524018e+00,'{"acc": 0.32059446826218896, "error": 0.679405531737811}',7.18387116564355582282e-02);
INSERT INTO "mixnas_curves" VALUES('old',3,2,1,7.56618315639747573975e-01,'{"acc": 0.46925060433609483, "error": 0.5307493956639051}',7.18387116564355582282e-02);
CREATE TABLE mixnas_exports (
	id INTEGER NOT NULL, 
	study VARCHAR(200) NOT NULL, 
	trial INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(study, trial) REFERENCES mixnas_trials (study, number) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE mixnas_fronts (
	study VARCHAR(200) NOT NULL, 
	finished INTEGER NOT NULL, 
	trial INTEGER NOT NULL, 
	hypervolume DOUBLE, 
	members JSON NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (study, finished), 
	FOREIGN KEY(study) REFERENCES mixnas_studies (name) ON DELETE CASCADE ON UPDATE CASCADE
);
INSERT INTO "mixnas_fronts" VALUES('old',1,0,8.28640231412054895088e-01,'[0]','2026-11-24T08:27:12.767+00:00');
INSERT INTO "mixnas_fronts" VALUES('old',2,1,8.42902376111718254492e-01,'[0, 1]','2026-11-24T08:27:12.975+00:00');
INSERT INTO "mixnas_fronts" VALUES('old',3,2,8.457187868163497102e-01,'[0, 1, 2]','2026-11-24T08:27:13.207+00:00');
INSERT INTO "mixnas_fronts" VALUES('old',4,3,0.851366646083735,'[0, 3]','2026-11-24T08:27:13.388+00:00');
CREATE TABLE mixnas_measurements (
	id INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	problem VARCHAR(100) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	value DOUBLE, 
	spread DOUBLE, 
	device VARCHAR(200) NOT NULL, 
	environment JSON NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE mixnas_meta (
	"key" VARCHAR(50) NOT NULL, 
	value TEXT, 
	PRIMARY KEY ("key")
);
INSERT INTO "mixnas_meta" VALUES('schema_version','1');
INSERT INTO "mixnas_meta" VALUES('created_by','mixnas 0.1.0');
CREATE TABLE mixnas_proposals (
	study VARCHAR(200) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	reason TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (study, kind, reason), 
	FOREIGN KEY(study) REFERENCES mixnas_studies (name) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE mixnas_studies (
	name VARCHAR(200) NOT NULL, 
	spec JSON NOT NULL, 
	space JSON NOT NULL, 
	environment JSON NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	held_by VARCHAR(200) NOT NULL, 
	held_until VARCHAR(32) NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "mixnas_studies" VALUES('old','{"space": "splitmixer", "objectives": ["acc", "params"], "dataset": "digits", "task": "classification", "name": "old", "trials": 4, "epochs": 2, "seed": 0, "split_seed": 0, "sampler": "random", "constraints": ["params <= 60k"], "baselines": [], "recipe": {"batch_size": 32, "lr": 0.02, "weight_decay": 0.005, "schedule": "one_cycle", "clip_norm": 1.0, "label_smoothing": 0.1, "precision": "fp32", "augment": "dataset"}, "evaluator": "toy", "data_dir": null, "space_json": {"format": "mixnas.space", "version": 1, "name": "splitmixer", "family": "splitmixer", "source": "arXiv:2207.10255", "summary": "SplitMixer, StrideMixer, ConvMixer and their mixtures", "axes": [{"name": "width", "kind": "choice", "options": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}, {"name": "depth", "kind": "integer", "low": 2, "high": 12, "step": 2, "log": false}, {"name": "patch_size", "kind": "choice", "options": [1, 2, 4, 7]}, {"name": "kernel_size", "kind": "choice", "options": [3, 5, 7, 9]}, {"name": "activation", "kind": "choice", "options": ["gelu", "relu", "silu"]}, {"name": "norm", "kind": "choice", "options": ["batch", "layer"]}, {"name": "spatial", "kind": "choice", "options": ["separable", "depthwise"]}, {"name": "channel", "kind": "choice", "options": ["dense", {"option": "overlap", "axes": [{"name": "ratio", "kind": "choice", "options": ["2/3", "3/5", "4/7", "5/9", "6/11"]}, {"name": "mixes", "kind": "choice", "options": ["one", "all"]}, {"name": "shared", "kind": "flag"}, {"name": "operator", "kind": "choice", "options": ["pointwise", "conv3d"]}]}, {"option": "disjoint", "axes": [{"name": "segments", "kind": "choice", "options": [2, 3, 4, 5, 6, 8]}, {"name": "mixes", "kind": "choice", "options": ["one", "all"]}, {"name": "shared", "kind": "flag"}, {"name": "operator", "kind": "choice", "options": ["pointwise", "conv3d"]}]}]}], "rules": [{"kind": "forbid", "when": "channel == ''disjoint'' and channel.shared and width % channel.segments != 0", "because": "one weight for all segments needs segments of equal width"}, {"kind": "forbid", "when": "channel.operator == ''conv3d'' and not (channel.mixes == ''all'' and channel.shared)", "because": "a 3-D convolution strides over all segments with one weight"}, {"kind": "forbid", "when": "channel == ''overlap'' and channel.operator == ''conv3d'' and width % 2 != 0", "because": "its two positions fill the two halves of the channels"}, {"kind": "merge", "axis": "channel.shared", "by": "channel.mixes == ''all'' and channel.shared", "because": "a block that mixes one segment has one weight, shared or not"}, {"kind": "merge", "axis": "channel.ratio", "by": "width * channel.ratio // 1", "because": "ratios that come to the same number of channels are the same network"}, {"kind": "forbid", "when": "patch_size * 2 > image_size", "because": "fewer than 2x2 patches leave nothing to mix"}, {"kind": "forbid", "when": "kernel_size > 2 * (image_size // patch_size) - 1", "because": "the outer taps would never see anything but padding"}, {"kind": "forbid", "when": "image_size // patch_size > 64", "because": "more than 64x64 patches take hours a trial; use larger patches"}, {"kind": "forbid", "when": "width * depth > 4 * image_size * image_size", "because": "a network far larger than its images turns seconds a trial into minutes"}], "context": {"task": "classification", "image_size": 8, "in_channels": 1, "num_classes": 10}}, "family": "splitmixer", "problem": "classification-1x8x8-10", "reference": {"acc": 0.0, "params": 82964.0}}','{"format": "mixnas.space", "version": 1, "name": "splitmixer", "family": "splitmixer", "source": "arXiv:2207.10255", "summary": "SplitMixer, StrideMixer, ConvMixer and their mixtures", "axes": [{"name": "width", "kind": "choice", "options": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}, {"name": "depth", "kind": "integer", "low": 2, "high": 12, "step": 2, "log": false}, {"name": "patch_size", "kind": "choice", "options": [1, 2, 4, 7]}, {"name": "kernel_size", "kind": "choice", "options": [3, 5, 7, 9]}, {"name": "activation", "kind": "choice", "options": ["gelu", "relu", "silu"]}, {"name": "norm", "kind": "choice", "options": ["batch", "layer"]}, {"name": "spatial", "kind": "choice", "options": ["separable", "depthwise"]}, {"name": "channel", "kind": "choice", "options": ["dense", {"option": "overlap", "axes": [{"name": "ratio", "kind": "choice", "options": ["2/3", "3/5", "4/7", "5/9", "6/11"]}, {"name": "mixes", "kind": "choice", "options": ["one", "all"]}, {"name": "shared", "kind": "flag"}, {"name": "operator", "kind": "choice", "options": ["pointwise", "conv3d"]}]}, {"option": "disjoint", "axes": [{"name": "segments", "kind": "choice", "options": [2, 3, 4, 5, 6, 8]}, {"name": "mixes", "kind": "choice", "options": ["one", "all"]}, {"name": "shared", "kind": "flag"}, {"name": "operator", "kind": "choice", "options": ["pointwise", "conv3d"]}]}]}], "rules": [{"kind": "forbid", "when": "channel == ''disjoint'' and channel.shared and width % channel.segments != 0", "because": "one weight for all segments needs segments of equal width"}, {"kind": "forbid", "when": "channel.operator == ''conv3d'' and not (channel.mixes == ''all'' and channel.shared)", "because": "a 3-D convolution strides over all segments with one weight"}, {"kind": "forbid", "when": "channel == ''overlap'' and channel.operator == ''conv3d'' and width % 2 != 0", "because": "its two positions fill the two halves of the channels"}, {"kind": "merge", "axis": "channel.shared", "by": "channel.mixes == ''all'' and channel.shared", "because": "a block that mixes one segment has one weight, shared or not"}, {"kind": "merge", "axis": "channel.ratio", "by": "width * channel.ratio // 1", "because": "ratios that come to the same number of channels are the same network"}, {"kind": "forbid", "when": "patch_size * 2 > image_size", "because": "fewer than 2x2 patches leave nothing to mix"}, {"kind": "forbid", "when": "kernel_size > 2 * (image_size // patch_size) - 1", "because": "the outer taps would never see anything but padding"}, {"kind": "forbid", "when": "image_size // patch_size > 64", "because": "more than 64x64 patches take hours a trial; use larger patches"}, {"kind": "forbid", "when": "width * depth > 4 * image_size * image_size", "because": "a network far larger than its images turns seconds a trial into minutes"}], "context": {"task": "classification", "image_size": 8, "in_channels": 1, "num_classes": 10}}','{"python": "3.11.7", "platform": "Linux-6.18.44-fc-v657-x86_64-with-glibc2.36", "processor": "AMD EPYC", "cores": 2, "packages": {"mixnas": "0.1.0", "torch": "2.15.0", "torchvision": "0.29.2", "numpy": "2.4.6", "optuna": "5.0.0", "ray": "2.60.0", "sqlalchemy": "2.1.9", "scikit-learn": "1.9.1"}}','2026-11-24T08:27:10.534+00:00','','');
CREATE TABLE mixnas_test_reads (
	id INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	dataset VARCHAR(100) NOT NULL, 
	split_seed BIGINT NOT NULL, 
	metrics JSON NOT NULL, 
	path TEXT NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE mixnas_trials (
	study VARCHAR(200) NOT NULL, 
	number INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	"values" JSON NOT NULL, 
	epochs INTEGER NOT NULL, 
	seed BIGINT NOT NULL, 
	source VARCHAR(100) NOT NULL, 
	reason VARCHAR(50) NOT NULL, 
	detail TEXT NOT NULL, 
	sampler_state JSON, 
	attempts INTEGER NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	finished_at VARCHAR(32) NOT NULL, 
	seconds DOUBLE, 
	PRIMARY KEY (study, number), 
	FOREIGN KEY(study) REFERENCES mixnas_studies (name) ON DELETE CASCADE ON UPDATE CASCADE, 
	FOREIGN KEY(digest) REFERENCES mixnas_architectures (digest)
);
INSERT INTO "mixnas_trials" VALUES('old',0,'31f92dd2410ddddf','finished','{"acc": 0.45480212822382965, "params": 1250.0}',2,0,'sampler','','',NULL,1,'2026-11-24T08:27:12.704+00:00','2026-11-24T08:27:12.755+00:00',9.58943505694155873264e-02);
INSERT INTO "mixnas_trials" VALUES('old',1,'5cdd92a8892795b0','finished','{"acc": 0.4691490100980669, "params": 8410.0}',2,0,'sampler','','',NULL,1,'2026-11-24T08:27:12.956+00:00','2026-11-24T08:27:12.974+00:00',1.88850046884910610645e-01);
INSERT INTO "mixnas_trials" VALUES('old',2,'526e6ff244622008','finished','{"acc": 0.46453021374650166, "params": 4318.0}',2,0,'sampler','','',NULL,1,'2026-11-24T08:27:13.163+00:00','2026-11-24T08:27:13.197+00:00',1.40833305119800189508e-01);
INSERT INTO "mixnas_trials" VALUES('old',3,'8a06458522d9a6fa','finished','{"acc": 0.46925060433609483, "params": 2218.0}',2,0,'sampler','','',NULL,1,'2026-11-24T08:27:13.357+00:00','2026-11-24T08:27:13.377+00:00',1.43677423312871116456e-01);
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'old');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
INSERT INTO "study_directions" VALUES(2,'MINIMIZE',1,1);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'study:metric_names','["acc", "params"]');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}}');
INSERT INTO "trial_params" VALUES(2,1,'depth',6.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 2, "high": 12}}');
INSERT INTO "trial_params" VALUES(3,1,'patch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4, 7]}}');
INSERT INTO "trial_params" VALUES(4,1,'kernel_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [3, 5, 7, 9]}}');
INSERT INTO "trial_params" VALUES(5,1,'activation',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["gelu", "relu", "silu"]}}');
INSERT INTO "trial_params" VALUES(6,1,'norm',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["batch", "layer"]}}');
INSERT INTO "trial_params" VALUES(7,1,'spatial',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["separable", "depthwise"]}}');
INSERT INTO "trial_params" VALUES(8,1,'channel',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["dense", "overlap", "disjoint"]}}');
INSERT INTO "trial_params" VALUES(9,2,'width',5.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}}');
INSERT INTO "trial_params" VALUES(10,2,'depth',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 2, "high": 12}}');
INSERT INTO "trial_params" VALUES(11,2,'patch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4, 7]}}');
INSERT INTO "trial_params" VALUES(12,2,'kernel_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [3, 5, 7, 9]}}');
INSERT INTO "trial_params" VALUES(13,2,'activation',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["gelu", "relu", "silu"]}}');
INSERT INTO "trial_params" VALUES(14,2,'norm',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["batch", "layer"]}}');
INSERT INTO "trial_params" VALUES(15,2,'spatial',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["separable", "depthwise"]}}');
INSERT INTO "trial_params" VALUES(16,2,'channel',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["dense", "overlap", "disjoint"]}}');
INSERT INTO "trial_params" VALUES(17,3,'width',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}}');
INSERT INTO "trial_params" VALUES(18,3,'depth',6.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 2, "high": 12}}');
INSERT INTO "trial_params" VALUES(19,3,'patch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4, 7]}}');
INSERT INTO "trial_params" VALUES(20,3,'kernel_size',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [3, 5, 7, 9]}}');
INSERT INTO "trial_params" VALUES(21,3,'activation',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["gelu", "relu", "silu"]}}');
INSERT INTO "trial_params" VALUES(22,3,'norm',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["batch", "layer"]}}');
INSERT INTO "trial_params" VALUES(23,3,'spatial',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["separable", "depthwise"]}}');
INSERT INTO "trial_params" VALUES(24,3,'channel',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["dense", "overlap", "disjoint"]}}');
INSERT INTO "trial_params" VALUES(25,3,'channel[disjoint].segments',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [2, 3, 4, 5, 6, 8]}}');
INSERT INTO "trial_params" VALUES(26,3,'channel[disjoint].mixes',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["one", "all"]}}');
INSERT INTO "trial_params" VALUES(27,3,'channel[disjoint].shared',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false, true]}}');
INSERT INTO "trial_params" VALUES(28,3,'channel[disjoint].operator',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["pointwise", "conv3d"]}}');
INSERT INTO "trial_params" VALUES(29,4,'width',3.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}}');
INSERT INTO "trial_params" VALUES(30,4,'depth',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 2, "high": 12}}');
INSERT INTO "trial_params" VALUES(31,4,'patch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4, 7]}}');
INSERT INTO "trial_params" VALUES(32,4,'kernel_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [3, 5, 7, 9]}}');
INSERT INTO "trial_params" VALUES(33,4,'activation',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["gelu", "relu", "silu"]}}');
INSERT INTO "trial_params" VALUES(34,4,'norm',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["batch", "layer"]}}');
INSERT INTO "trial_params" VALUES(35,4,'spatial',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["separable", "depthwise"]}}');
INSERT INTO "trial_params" VALUES(36,4,'channel',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["dense", "overlap", "disjoint"]}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'constraints:params <= 60k','0.0');
INSERT INTO "trial_system_attributes" VALUES(2,2,'constraints:params <= 60k','0.0');
INSERT INTO "trial_system_attributes" VALUES(3,3,'constraints:params <= 60k','0.0');
INSERT INTO "trial_system_attributes" VALUES(4,4,'constraints:params <= 60k','0.0');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'digest','"31f92dd2410ddddf"');
INSERT INTO "trial_user_attributes" VALUES(2,1,'source','"sampler"');
INSERT INTO "trial_user_attributes" VALUES(3,1,'params','1250');
INSERT INTO "trial_user_attributes" VALUES(4,1,'macs','22096');
INSERT INTO "trial_user_attributes" VALUES(5,1,'seconds','0.096');
INSERT INTO "trial_user_attributes" VALUES(6,2,'digest','"5cdd92a8892795b0"');
INSERT INTO "trial_user_attributes" VALUES(7,2,'source','"sampler"');
INSERT INTO "trial_user_attributes" VALUES(8,2,'params','8410');
INSERT INTO "trial_user_attributes" VALUES(9,2,'macs','124128');
INSERT INTO "trial_user_attributes" VALUES(10,2,'seconds','0.189');
INSERT INTO "trial_user_attributes" VALUES(11,3,'digest','"526e6ff244622008"');
INSERT INTO "trial_user_attributes" VALUES(12,3,'source','"sampler"');
INSERT INTO "trial_user_attributes" VALUES(13,3,'params','4318');
INSERT INTO "trial_user_attributes" VALUES(14,3,'macs','261240');
INSERT INTO "trial_user_attributes" VALUES(15,3,'seconds','0.141');
INSERT INTO "trial_user_attributes" VALUES(16,4,'digest','"8a06458522d9a6fa"');
INSERT INTO "trial_user_attributes" VALUES(17,4,'source','"sampler"');
INSERT INTO "trial_user_attributes" VALUES(18,4,'params','2218');
INSERT INTO "trial_user_attributes" VALUES(19,4,'macs','116976');
INSERT INTO "trial_user_attributes" VALUES(20,4,'seconds','0.144');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,4.54802128223829649211e-01,'FINITE');
INSERT INTO "trial_values" VALUES(2,1,1,1250.0,'FINITE');
INSERT INTO "trial_values" VALUES(3,2,0,4.69149010098066920892e-01,'FINITE');
INSERT INTO "trial_values" VALUES(4,2,1,8410.0,'FINITE');
INSERT INTO "trial_values" VALUES(5,3,0,4.64530213746501663418e-01,'FINITE');
INSERT INTO "trial_values" VALUES(6,3,1,4318.0,'FINITE');
INSERT INTO "trial_values" VALUES(7,4,0,4.69250604336094834234e-01,'FINITE');
INSERT INTO "trial_values" VALUES(8,4,1,2218.0,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-24 08:27:12.547305','2026-11-24 08:27:12.819085');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-24 08:27:12.854700','2026-11-24 08:27:13.009303');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-24 08:27:13.042518','2026-11-24 08:27:13.239451');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-24 08:27:13.259059','2026-11-24 08:27:13.431207');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE INDEX ix_mixnas_measurements_digest ON mixnas_measurements (digest);
CREATE INDEX ix_mixnas_test_reads_dataset ON mixnas_test_reads (dataset);
CREATE INDEX ix_mixnas_test_reads_digest ON mixnas_test_reads (digest);
CREATE INDEX mixnas_trials_state ON mixnas_trials (study, state);
CREATE UNIQUE INDEX mixnas_trials_once ON mixnas_trials (study, digest, epochs, seed);
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
