BEGIN TRANSACTION;
CREATE TABLE mixnas_meta (
	"key" VARCHAR(50) NOT NULL, 
	value TEXT, 
	PRIMARY KEY ("key")
);
INSERT INTO mixnas_meta VALUES('schema_version','2');
INSERT INTO mixnas_meta VALUES('created_by','mixnas 0.1.0');
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
INSERT INTO mixnas_studies VALUES('old','{"space": "splitmixer", "objectives": ["acc", "params"], "dataset": "digits", "task": "classification", "name": "old", "trials": 6, "epochs": 3, "seed": 0, "split_seed": 0, "sampler": "auto", "constraints": [], "baselines": [], "recipe": {"batch_size": 32, "lr": 0.02, "weight_decay": 0.005, "schedule": "one_cycle", "clip_norm": 1.0, "label_smoothing": 0.1, "precision": "fp32", "augment": "dataset"}, "evaluator": "toy", "data_dir": null, "early_stopping": "mo-asha", "rungs": [], "reduction": 3.0, "min_full": 2, "trial_timeout": 0.0, "retries": 1, "space_json": {"format": "mixnas.space", "version": 1, "name": "splitmixer", "family": "splitmixer", "source": "arXiv:2207.10255", "summary": "SplitMixer, StrideMixer, ConvMixer and their mixtures", "axes": [{"name": "width", "kind": "choice", "options": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}, {"name": "depth", "kind": "integer", "low": 2, "high": 12, "step": 2, "log": false}, {"name": "patch_size", "kind": "choice", "options": [1, 2, 4, 7]}, {"name": "kernel_size", "kind": "choice", "options": [3, 5, 7, 9]}, {"name": "activation", "kind": "choice", "options": ["gelu", "relu", "silu"]}, {"name": "norm", "kind": "choice", "options": ["batch", "layer"]}, {"name": "spatial", "kind": "choice", "options": ["separable", "depthwise"]}, {"name": "channel", "kind": "choice", "options": ["dense", {"option": "overlap", "axes": [{"name": "ratio", "kind": "choice", "options": ["2/3", "3/5", "4/7", "5/9", "6/11"]}, {"name": "mixes", "kind": "choice", "options": ["one", "all"]}, {"name": "shared", "kind": "flag"}, {"name": "operator", "kind": "choice", "options": ["pointwise", "conv3d"]}]}, {"option": "disjoint", "axes": [{"name": "segments", "kind": "choice", "options": [2, 3, 4, 5, 6, 8]}, {"name": "mixes", "kind": "choice", "options": ["one", "all"]}, {"name": "shared", "kind": "flag"}, {"name": "operator", "kind": "choice", "options": ["pointwise", "conv3d"]}]}]}], "rules": [{"kind": "forbid", "when": "channel == ''disjoint'' and channel.shared and width % channel.segments != 0", "because": "one weight for all segments needs segments of equal width"}, {"kind": "forbid", "when": "channel.operator == ''conv3d'' and not (channel.mixes == ''all'' and channel.shared)", "because": "a 3-D convolution strides over all segments with one weight"}, {"kind": "forbid", "when": "channel == ''overlap'' and channel.operator == ''conv3d'' and width % 2 != 0", "because": "its two positions fill the two halves of the channels"}, {"kind": "merge", "axis": "channel.shared", "by": "channel.mixes == ''all'' and channel.shared", "because": "a block that mixes one segment has one weight, shared or not"}, {"kind": "merge", "axis": "channel.ratio", "by": "width * channel.ratio // 1", "because": "ratios that come to the same number of channels are the same network"}, {"kind": "forbid", "when": "patch_size * 2 > image_size", "because": "fewer than 2x2 patches leave nothing to mix"}, {"kind": "forbid", "when": "kernel_size > 2 * (image_size // patch_size) - 1", "because": "the outer taps would never see anything but padding"}, {"kind": "forbid", "when": "image_size // patch_size > 64", "because": "more than 64x64 patches take hours a trial; use larger patches"}, {"kind": "forbid", "when": "width * depth > 4 * image_size * image_size", "because": "a network far larger than its images turns seconds a trial into minutes"}], "context": {"task": "classification", "image_size": 8, "in_channels": 1, "num_classes": 10}}, "family": "splitmixer", "problem": "classification-1x8x8-10", "reference": {"acc": 0.0, "params": 82964.0}}','{"format": "mixnas.space", "version": 1, "name": "splitmixer", "family": "splitmixer", "source": "arXiv:2207.10255", "summary": "SplitMixer, StrideMixer, ConvMixer and their mixtures", "axes": [{"name": "width", "kind": "choice", "options": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}, {"name": "depth", "kind": "integer", "low": 2, "high": 12, "step": 2, "log": false}, {"name": "patch_size", "kind": "choice", "options": [1, 2, 4, 7]}, {"name": "kernel_size", "kind": "choice", "options": [3, 5, 7, 9]}, {"name": "activation", "kind": "choice", "options": ["gelu", "relu", "silu"]}, {"name": "norm", "kind": "choice", "options": ["batch", "layer"]}, {"name": "spatial", "kind": "choice", "options": ["separable", "depthwise"]}, {"name": "channel", "kind": "choice", "options": ["dense", {"option": "overlap", "axes": [{"name": "ratio", "kind": "choice", "options": ["2/3", "3/5", "4/7", "5/9", "6/11"]}, {"name": "mixes", "kind": "choice", "options": ["one", "all"]}, {"name": "shared", "kind": "flag"}, {"name": "operator", "kind": "choice", "options": ["pointwise", "conv3d"]}]}, {"option": "disjoint", "axes": [{"name": "segments", "kind": "choice", "options": [2, 3, 4, 5, 6, 8]}, {"name": "mixes", "kind": "choice", "options": ["one", "all"]}, {"name": "shared", "kind": "flag"}, {"name": "operator", "kind": "choice", "options": ["pointwise", "conv3d"]}]}]}], "rules": [{"kind": "forbid", "when": "channel == ''disjoint'' and channel.shared and width % channel.segments != 0", "because": "one weight for all segments needs segments of equal width"}, {"kind": "forbid", "when": "channel.operator == ''conv3d'' and not (channel.mixes == ''all'' and channel.shared)", "because": "a 3-D convolution strides over all segments with one weight"}, {"kind": "forbid", "when": "channel == ''overlap'' and channel.operator == ''conv3d'' and width % 2 != 0", "because": "its two positions fill the two halves of the channels"}, {"kind": "merge", "axis": "channel.shared", "by": "channel.mixes == ''all'' and channel.shared", "because": "a block that mixes one segment has one weight, shared or not"}, {"kind": "merge", "axis": "channel.ratio", "by": "width * channel.ratio // 1", "because": "ratios that come to the same number of channels are the same network"}, {"kind": "forbid", "when": "patch_size * 2 > image_size", "because": "fewer than 2x2 patches leave nothing to mix"}, {"kind": "forbid", "when": "kernel_size > 2 * (image_size // patch_size) - 1", "because": "the outer taps would never see anything but padding"}, {"kind": "forbid", "when": "image_size // patch_size > 64", "because": "more than 64x64 patches take hours a trial; use larger patches"}, {"kind": "forbid", "when": "width * depth > 4 * image_size * image_size", "because": "a network far larger than its images turns seconds a trial into minutes"}], "context": {"task": "classification", "image_size": 8, "in_channels": 1, "num_classes": 10}}','{"python": "3.11.7", "platform": "Linux-6.18.44-fc-v669-x86_64-with-glibc2.36", "processor": "AMD EPYC", "cores": 2, "packages": {"mixnas": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1", "numpy": "2.4.6", "optuna": "5.0.0", "ray": "2.60.0", "sqlalchemy": "2.1.9", "scikit-learn": "1.9.1"}}','2026-11-25T09:38:01.545+00:00','','');
CREATE TABLE mixnas_architectures (
	digest VARCHAR(64) NOT NULL, 
	family VARCHAR(100) NOT NULL, 
	axes JSON NOT NULL, 
	first_seen VARCHAR(32) NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO mixnas_architectures VALUES('5077b4cf3844479d','splitmixer','{"width": 8, "depth": 2, "patch_size": 4, "kernel_size": 3, "activation": "relu", "norm": "layer", "spatial": "separable", "channel": "disjoint", "channel.segments": 4, "channel.mixes": "one", "channel.shared": false, "channel.operator": "pointwise"}','2026-11-25T09:38:08.334+00:00');
INSERT INTO mixnas_architectures VALUES('93a3cf4860d89cb9','splitmixer','{"width": 32, "depth": 2, "patch_size": 1, "kernel_size": 9, "activation": "silu", "norm": "layer", "spatial": "separable", "channel": "overlap", "channel.ratio": "2/3", "channel.mixes": "one", "channel.shared": false, "channel.operator": "pointwise"}','2026-11-25T09:38:08.591+00:00');
INSERT INTO mixnas_architectures VALUES('bdb18ad1c8d9d16e','splitmixer','{"width": 16, "depth": 6, "patch_size": 2, "kernel_size": 3, "activation": "silu", "norm": "batch", "spatial": "separable", "channel": "dense"}','2026-11-25T09:38:08.772+00:00');
INSERT INTO mixnas_architectures VALUES('c76c24b8a1111997','splitmixer','{"width": 128, "depth": 2, "patch_size": 2, "kernel_size": 3, "activation": "gelu", "norm": "layer", "spatial": "separable", "channel": "dense"}','2026-11-25T09:38:09.091+00:00');
INSERT INTO mixnas_architectures VALUES('a7f35ba16137e6e5','splitmixer','{"width": 32, "depth": 8, "patch_size": 2, "kernel_size": 7, "activation": "silu", "norm": "batch", "spatial": "separable", "channel": "disjoint", "channel.segments": 4, "channel.mixes": "all", "channel.shared": false, "channel.operator": "pointwise"}','2026-11-25T09:38:09.327+00:00');
INSERT INTO mixnas_architectures VALUES('a898ec89a2b142d5','splitmixer','{"width": 16, "depth": 6, "patch_size": 4, "kernel_size": 3, "activation": "silu", "norm": "layer", "spatial": "depthwise", "channel": "dense"}','2026-11-25T09:38:09.503+00:00');
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
CREATE TABLE mixnas_costs (
	digest VARCHAR(64) NOT NULL, 
	problem VARCHAR(100) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	value DOUBLE, 
	PRIMARY KEY (digest, problem, name), 
	FOREIGN KEY(digest) REFERENCES mixnas_architectures (digest)
);
INSERT INTO mixnas_costs VALUES('5077b4cf3844479d','classification-1x8x8-10','params',478.0);
INSERT INTO mixnas_costs VALUES('5077b4cf3844479d','classification-1x8x8-10','macs',2160.0);
INSERT INTO mixnas_costs VALUES('93a3cf4860d89cb9','classification-1x8x8-10','params',3046.0);
INSERT INTO mixnas_costs VALUES('93a3cf4860d89cb9','classification-1x8x8-10','macs',206272.0);
INSERT INTO mixnas_costs VALUES('bdb18ad1c8d9d16e','classification-1x8x8-10','params',3258.0);
INSERT INTO mixnas_costs VALUES('bdb18ad1c8d9d16e','classification-1x8x8-10','macs',44960.0);
INSERT INTO mixnas_costs VALUES('c76c24b8a1111997','classification-1x8x8-10','params',38794.0);
INSERT INTO mixnas_costs VALUES('c76c24b8a1111997','classification-1x8x8-10','macs',632064.0);
INSERT INTO mixnas_costs VALUES('a7f35ba16137e6e5','classification-1x8x8-10','params',8490.0);
INSERT INTO mixnas_costs VALUES('a7f35ba16137e6e5','classification-1x8x8-10','macs',118592.0);
INSERT INTO mixnas_costs VALUES('a898ec89a2b142d5','classification-1x8x8-10','params',3450.0);
INSERT INTO mixnas_costs VALUES('a898ec89a2b142d5','classification-1x8x8-10','macs',15008.0);
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
INSERT INTO mixnas_trials VALUES('old',0,'5077b4cf3844479d','finished','{"acc": 0.2978815901399587, "params": 478.0}',3,0,'sampler','','',NULL,2,'2026-11-25T09:38:08.334+00:00','2026-11-25T09:38:09.582+00:00',0.045030077583636647642);
INSERT INTO mixnas_trials VALUES('old',1,'93a3cf4860d89cb9','stopped','{}',3,0,'sampler','','',NULL,1,'2026-11-25T09:38:08.591+00:00','2026-11-25T09:38:09.697+00:00',0.084473180169684206064);
INSERT INTO mixnas_trials VALUES('old',2,'bdb18ad1c8d9d16e','finished','{"acc": 0.5703585159496783, "params": 3258.0}',3,0,'sampler','','',NULL,2,'2026-11-25T09:38:08.772+00:00','2026-11-25T09:38:08.835+00:00',0.23011732271709101071);
INSERT INTO mixnas_trials VALUES('old',3,'c76c24b8a1111997','stopped','{}',3,0,'sampler','','',NULL,1,'2026-11-25T09:38:09.091+00:00','2026-11-25T09:38:09.697+00:00',0.12097758496151270191);
INSERT INTO mixnas_trials VALUES('old',4,'a7f35ba16137e6e5','stopped','{}',3,0,'sampler','','',NULL,1,'2026-11-25T09:38:09.327+00:00','2026-11-25T09:38:09.697+00:00',0.092095863033732183744);
INSERT INTO mixnas_trials VALUES('old',5,'a898ec89a2b142d5','stopped','{}',3,0,'sampler','','',NULL,1,'2026-11-25T09:38:09.503+00:00','2026-11-25T09:38:09.697+00:00',0.053917591044004960221);
CREATE TABLE mixnas_proposals (
	study VARCHAR(200) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	reason TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (study, kind, reason), 
	FOREIGN KEY(study) REFERENCES mixnas_studies (name) ON DELETE CASCADE ON UPDATE CASCADE
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
INSERT INTO mixnas_fronts VALUES('old',1,2,0.80188905503776430894,'[2]','2026-11-25T09:38:08.868+00:00');
INSERT INTO mixnas_fronts VALUES('old',2,0,1.050180266315672295,'[0, 2]','2026-11-25T09:38:09.583+00:00');
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
INSERT INTO mixnas_attempts VALUES('old',0,1,'here:10901','','paused','','','','cpu','2026-11-25T09:38:08.385+00:00','2026-11-25T09:38:08.411+00:00');
INSERT INTO mixnas_attempts VALUES('old',1,1,'here:10901','','paused','','','','cpu','2026-11-25T09:38:08.591+00:00','2026-11-25T09:38:08.624+00:00');
INSERT INTO mixnas_attempts VALUES('old',2,1,'here:10901','','paused','','','','cpu','2026-11-25T09:38:08.773+00:00','2026-11-25T09:38:08.775+00:00');
INSERT INTO mixnas_attempts VALUES('old',2,2,'here:10901','','finished','','','','cpu','2026-11-25T09:38:08.791+00:00','2026-11-25T09:38:08.835+00:00');
INSERT INTO mixnas_attempts VALUES('old',3,1,'here:10901','','paused','','','','cpu','2026-11-25T09:38:09.091+00:00','2026-11-25T09:38:09.118+00:00');
INSERT INTO mixnas_attempts VALUES('old',4,1,'here:10901','','paused','','','','cpu','2026-11-25T09:38:09.328+00:00','2026-11-25T09:38:09.352+00:00');
INSERT INTO mixnas_attempts VALUES('old',5,1,'here:10901','','paused','','','','cpu','2026-11-25T09:38:09.504+00:00','2026-11-25T09:38:09.550+00:00');
INSERT INTO mixnas_attempts VALUES('old',0,2,'here:10901','','finished','','','','cpu','2026-11-25T09:38:09.552+00:00','2026-11-25T09:38:09.583+00:00');
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
INSERT INTO mixnas_curves VALUES('old',1,1,1,1.1333092567951970064,'{"acc": 0.32196602327159596, "error": 0.678033976728404}',0.084473180169684206064);
INSERT INTO mixnas_curves VALUES('old',2,1,2,1.1238786632456878589,'{"acc": 0.3250167162870654, "error": 0.6749832837129346}',0.076705774239030341532);
INSERT INTO mixnas_curves VALUES('old',2,2,2,0.74747085409276847745,'{"acc": 0.4735627487140373, "error": 0.5264372512859627}',0.076705774239030341532);
INSERT INTO mixnas_curves VALUES('old',2,3,2,0.56149014052532009166,'{"acc": 0.5703585159496783, "error": 0.42964148405032165}',0.076705774239030341532);
INSERT INTO mixnas_curves VALUES('old',3,1,1,1.1409513626878506897,'{"acc": 0.31951490261884946, "error": 0.6804850973811505}',0.12097758496151270191);
INSERT INTO mixnas_curves VALUES('old',4,1,1,1.1305195626823725252,'{"acc": 0.3228654639901683, "error": 0.6771345360098318}',0.092095863033732183744);
INSERT INTO mixnas_curves VALUES('old',5,1,1,1.1245322521431673212,'{"acc": 0.3248043583747514, "error": 0.6751956416252486}',0.053917591044004960221);
INSERT INTO mixnas_curves VALUES('old',0,1,2,1.5147470387624724086,'{"acc": 0.2198637948315081, "error": 0.7801362051684919}',0.01501002586121221588);
INSERT INTO mixnas_curves VALUES('old',0,2,2,1.3047753787644025269,'{"acc": 0.27123345299695856, "error": 0.7287665470030414}',0.01501002586121221588);
INSERT INTO mixnas_curves VALUES('old',0,3,2,1.211059219964203848,'{"acc": 0.2978815901399587, "error": 0.7021184098600413}',0.01501002586121221588);
CREATE TABLE mixnas_decisions (
	id INTEGER NOT NULL, 
	study VARCHAR(200) NOT NULL, 
	trial INTEGER NOT NULL, 
	rung INTEGER NOT NULL, 
	epochs INTEGER NOT NULL, 
	rank INTEGER NOT NULL, 
	"of" INTEGER NOT NULL, 
	action VARCHAR(20) NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(study, trial) REFERENCES mixnas_trials (study, number) ON DELETE CASCADE ON UPDATE CASCADE
);
INSERT INTO mixnas_decisions VALUES(1,'old',0,1,1,1,1,'paused','2026-11-25T09:38:08.438+00:00');
INSERT INTO mixnas_decisions VALUES(2,'old',1,1,1,1,2,'paused','2026-11-25T09:38:08.624+00:00');
INSERT INTO mixnas_decisions VALUES(3,'old',2,1,1,1,3,'paused','2026-11-25T09:38:08.776+00:00');
INSERT INTO mixnas_decisions VALUES(4,'old',2,1,1,1,3,'promoted','2026-11-25T09:38:08.792+00:00');
INSERT INTO mixnas_decisions VALUES(5,'old',3,1,1,4,4,'paused','2026-11-25T09:38:09.118+00:00');
INSERT INTO mixnas_decisions VALUES(6,'old',4,1,1,4,5,'paused','2026-11-25T09:38:09.381+00:00');
INSERT INTO mixnas_decisions VALUES(7,'old',5,1,1,4,6,'paused','2026-11-25T09:38:09.550+00:00');
INSERT INTO mixnas_decisions VALUES(8,'old',0,1,1,2,6,'promoted','2026-11-25T09:38:09.579+00:00');
INSERT INTO mixnas_decisions VALUES(9,'old',1,1,1,3,6,'stopped','2026-11-25T09:38:09.698+00:00');
INSERT INTO mixnas_decisions VALUES(10,'old',3,1,1,6,6,'stopped','2026-11-25T09:38:09.698+00:00');
INSERT INTO mixnas_decisions VALUES(11,'old',4,1,1,5,6,'stopped','2026-11-25T09:38:09.698+00:00');
INSERT INTO mixnas_decisions VALUES(12,'old',5,1,1,4,6,'stopped','2026-11-25T09:38:09.698+00:00');
CREATE TABLE mixnas_replicates (
	study VARCHAR(200) NOT NULL, 
	trial INTEGER NOT NULL, 
	seed BIGINT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	"values" JSON NOT NULL, 
	curve JSON NOT NULL, 
	reason VARCHAR(50) NOT NULL, 
	detail TEXT NOT NULL, 
	seconds DOUBLE, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (study, trial, seed), 
	FOREIGN KEY(study, trial) REFERENCES mixnas_trials (study, number) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE mixnas_exports (
	id INTEGER NOT NULL, 
	study VARCHAR(200) NOT NULL, 
	trial INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(study, trial) REFERENCES mixnas_trials (study, number) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO studies VALUES(1,'old');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO version_info VALUES(1,12,'5.0.0');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO study_directions VALUES(1,'MAXIMIZE',1,0);
INSERT INTO study_directions VALUES(2,'MINIMIZE',1,1);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO study_system_attributes VALUES(1,1,'study:metric_names','["acc", "params"]');
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
INSERT INTO trials VALUES(1,0,1,'COMPLETE','2026-11-25 09:38:08.109934','2026-11-25 09:38:09.668588');
INSERT INTO trials VALUES(2,1,1,'PRUNED','2026-11-25 09:38:08.457565','2026-11-25 09:38:09.746362');
INSERT INTO trials VALUES(3,2,1,'COMPLETE','2026-11-25 09:38:08.627213','2026-11-25 09:38:08.945754');
INSERT INTO trials VALUES(4,3,1,'PRUNED','2026-11-25 09:38:08.998845','2026-11-25 09:38:09.809577');
INSERT INTO trials VALUES(5,4,1,'PRUNED','2026-11-25 09:38:09.158997','2026-11-25 09:38:09.879545');
INSERT INTO trials VALUES(6,5,1,'PRUNED','2026-11-25 09:38:09.383966','2026-11-25 09:38:09.919482');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO trial_user_attributes VALUES(1,1,'digest','"5077b4cf3844479d"');
INSERT INTO trial_user_attributes VALUES(2,1,'source','"sampler"');
INSERT INTO trial_user_attributes VALUES(3,1,'params','478');
INSERT INTO trial_user_attributes VALUES(4,1,'macs','2160');
INSERT INTO trial_user_attributes VALUES(5,2,'digest','"93a3cf4860d89cb9"');
INSERT INTO trial_user_attributes VALUES(6,2,'source','"sampler"');
INSERT INTO trial_user_attributes VALUES(7,2,'params','3046');
INSERT INTO trial_user_attributes VALUES(8,2,'macs','206272');
INSERT INTO trial_user_attributes VALUES(9,3,'digest','"bdb18ad1c8d9d16e"');
INSERT INTO trial_user_attributes VALUES(10,3,'source','"sampler"');
INSERT INTO trial_user_attributes VALUES(11,3,'params','3258');
INSERT INTO trial_user_attributes VALUES(12,3,'macs','44960');
INSERT INTO trial_user_attributes VALUES(13,3,'seconds','0.153');
INSERT INTO trial_user_attributes VALUES(14,4,'digest','"c76c24b8a1111997"');
INSERT INTO trial_user_attributes VALUES(15,4,'source','"sampler"');
INSERT INTO trial_user_attributes VALUES(16,4,'params','38794');
INSERT INTO trial_user_attributes VALUES(17,4,'macs','632064');
INSERT INTO trial_user_attributes VALUES(18,5,'digest','"a7f35ba16137e6e5"');
INSERT INTO trial_user_attributes VALUES(19,5,'source','"sampler"');
INSERT INTO trial_user_attributes VALUES(20,5,'params','8490');
INSERT INTO trial_user_attributes VALUES(21,5,'macs','118592');
INSERT INTO trial_user_attributes VALUES(22,6,'digest','"a898ec89a2b142d5"');
INSERT INTO trial_user_attributes VALUES(23,6,'source','"sampler"');
INSERT INTO trial_user_attributes VALUES(24,6,'params','3450');
INSERT INTO trial_user_attributes VALUES(25,6,'macs','15008');
INSERT INTO trial_user_attributes VALUES(26,1,'seconds','0.03');
INSERT INTO trial_user_attributes VALUES(27,2,'reason','"rung 1: 3rd of 6, stopped"');
INSERT INTO trial_user_attributes VALUES(28,4,'reason','"rung 1: 6th of 6, stopped"');
INSERT INTO trial_user_attributes VALUES(29,5,'reason','"rung 1: 5th of 6, stopped"');
INSERT INTO trial_user_attributes VALUES(30,6,'reason','"rung 1: 4th of 6, stopped"');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
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
INSERT INTO trial_params VALUES(1,1,'width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}}');
INSERT INTO trial_params VALUES(2,1,'depth',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 2, "high": 12}}');
INSERT INTO trial_params VALUES(3,1,'patch_size',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4, 7]}}');
INSERT INTO trial_params VALUES(4,1,'kernel_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [3, 5, 7, 9]}}');
INSERT INTO trial_params VALUES(5,1,'activation',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["gelu", "relu", "silu"]}}');
INSERT INTO trial_params VALUES(6,1,'norm',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["batch", "layer"]}}');
INSERT INTO trial_params VALUES(7,1,'spatial',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["separable", "depthwise"]}}');
INSERT INTO trial_params VALUES(8,1,'channel',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["dense", "overlap", "disjoint"]}}');
INSERT INTO trial_params VALUES(9,1,'channel[disjoint].segments',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [2, 3, 4, 5, 6, 8]}}');
INSERT INTO trial_params VALUES(10,1,'channel[disjoint].mixes',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["one", "all"]}}');
INSERT INTO trial_params VALUES(11,1,'channel[disjoint].shared',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false, true]}}');
INSERT INTO trial_params VALUES(12,1,'channel[disjoint].operator',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["pointwise", "conv3d"]}}');
INSERT INTO trial_params VALUES(13,2,'width',4.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}}');
INSERT INTO trial_params VALUES(14,2,'depth',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 2, "high": 12}}');
INSERT INTO trial_params VALUES(15,2,'patch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4, 7]}}');
INSERT INTO trial_params VALUES(16,2,'kernel_size',3.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [3, 5, 7, 9]}}');
INSERT INTO trial_params VALUES(17,2,'activation',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["gelu", "relu", "silu"]}}');
INSERT INTO trial_params VALUES(18,2,'norm',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["batch", "layer"]}}');
INSERT INTO trial_params VALUES(19,2,'spatial',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["separable", "depthwise"]}}');
INSERT INTO trial_params VALUES(20,2,'channel',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["dense", "overlap", "disjoint"]}}');
INSERT INTO trial_params VALUES(21,2,'channel[overlap].ratio',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["2/3", "3/5", "4/7", "5/9", "6/11"]}}');
INSERT INTO trial_params VALUES(22,2,'channel[overlap].mixes',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["one", "all"]}}');
INSERT INTO trial_params VALUES(23,2,'channel[overlap].shared',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false, true]}}');
INSERT INTO trial_params VALUES(24,2,'channel[overlap].operator',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["pointwise", "conv3d"]}}');
INSERT INTO trial_params VALUES(25,3,'width',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}}');
INSERT INTO trial_params VALUES(26,3,'depth',6.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 2, "high": 12}}');
INSERT INTO trial_params VALUES(27,3,'patch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4, 7]}}');
INSERT INTO trial_params VALUES(28,3,'kernel_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [3, 5, 7, 9]}}');
INSERT INTO trial_params VALUES(29,3,'activation',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["gelu", "relu", "silu"]}}');
INSERT INTO trial_params VALUES(30,3,'norm',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["batch", "layer"]}}');
INSERT INTO trial_params VALUES(31,3,'spatial',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["separable", "depthwise"]}}');
INSERT INTO trial_params VALUES(32,3,'channel',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["dense", "overlap", "disjoint"]}}');
INSERT INTO trial_params VALUES(33,4,'width',8.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}}');
INSERT INTO trial_params VALUES(34,4,'depth',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 2, "high": 12}}');
INSERT INTO trial_params VALUES(35,4,'patch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4, 7]}}');
INSERT INTO trial_params VALUES(36,4,'kernel_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [3, 5, 7, 9]}}');
INSERT INTO trial_params VALUES(37,4,'activation',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["gelu", "relu", "silu"]}}');
INSERT INTO trial_params VALUES(38,4,'norm',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["batch", "layer"]}}');
INSERT INTO trial_params VALUES(39,4,'spatial',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["separable", "depthwise"]}}');
INSERT INTO trial_params VALUES(40,4,'channel',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["dense", "overlap", "disjoint"]}}');
INSERT INTO trial_params VALUES(41,5,'width',4.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}}');
INSERT INTO trial_params VALUES(42,5,'depth',8.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 2, "high": 12}}');
INSERT INTO trial_params VALUES(43,5,'patch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4, 7]}}');
INSERT INTO trial_params VALUES(44,5,'kernel_size',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [3, 5, 7, 9]}}');
INSERT INTO trial_params VALUES(45,5,'activation',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["gelu", "relu", "silu"]}}');
INSERT INTO trial_params VALUES(46,5,'norm',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["batch", "layer"]}}');
INSERT INTO trial_params VALUES(47,5,'spatial',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["separable", "depthwise"]}}');
INSERT INTO trial_params VALUES(48,5,'channel',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["dense", "overlap", "disjoint"]}}');
INSERT INTO trial_params VALUES(49,5,'channel[disjoint].segments',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [2, 3, 4, 5, 6, 8]}}');
INSERT INTO trial_params VALUES(50,5,'channel[disjoint].mixes',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["one", "all"]}}');
INSERT INTO trial_params VALUES(51,5,'channel[disjoint].shared',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false, true]}}');
INSERT INTO trial_params VALUES(52,5,'channel[disjoint].operator',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["pointwise", "conv3d"]}}');
INSERT INTO trial_params VALUES(53,6,'width',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]}}');
INSERT INTO trial_params VALUES(54,6,'depth',6.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 2, "low": 2, "high": 12}}');
INSERT INTO trial_params VALUES(55,6,'patch_size',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2, 4, 7]}}');
INSERT INTO trial_params VALUES(56,6,'kernel_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [3, 5, 7, 9]}}');
INSERT INTO trial_params VALUES(57,6,'activation',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["gelu", "relu", "silu"]}}');
INSERT INTO trial_params VALUES(58,6,'norm',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["batch", "layer"]}}');
INSERT INTO trial_params VALUES(59,6,'spatial',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["separable", "depthwise"]}}');
INSERT INTO trial_params VALUES(60,6,'channel',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["dense", "overlap", "disjoint"]}}');
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
INSERT INTO trial_values VALUES(1,3,0,0.57035851594967834632,'FINITE');
INSERT INTO trial_values VALUES(2,3,1,3258.0,'FINITE');
INSERT INTO trial_values VALUES(3,1,0,0.29788159013995868518,'FINITE');
INSERT INTO trial_values VALUES(4,1,1,478.0,'FINITE');
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
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES('v3.2.0.a');
CREATE INDEX ix_mixnas_measurements_digest ON mixnas_measurements (digest);
CREATE INDEX ix_mixnas_test_reads_dataset ON mixnas_test_reads (dataset);
CREATE INDEX ix_mixnas_test_reads_digest ON mixnas_test_reads (digest);
CREATE UNIQUE INDEX mixnas_trials_once ON mixnas_trials (study, digest, epochs, seed);
CREATE INDEX mixnas_trials_state ON mixnas_trials (study, state);
CREATE INDEX mixnas_decisions_study ON mixnas_decisions (study, trial);
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
